"""Understanding a message: Rasa graph components and the plain helpers they are made of."""
