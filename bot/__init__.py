"""What runs inside the Rasa server: understanding, the web chat channel, the server, its commands."""
