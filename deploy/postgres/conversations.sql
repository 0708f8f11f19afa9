-- What Compose's PostgreSQL does once, when it is new: a second database, for the conversations.
CREATE DATABASE conversations;
