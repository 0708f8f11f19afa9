"""Custom actions: read slots, ask a service, say the outcome. One file per capability.

Wording lives in `domain.yml`; rules about classes, seats and places live in `registration`.
Importing an action touches no database: the service is opened by its first question.
"""
