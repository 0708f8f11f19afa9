"""Who is speaking: tokens that the website signs, and one-time codes by e-mail. Knows nothing of chat."""
