"""What is said and what is understood, as files: read, checked, changed as a person would, and tried out.

`domain.yml`, `contacts.yml`, `answers.yml` and `data/` stay the single source. Knows nothing of staff.
"""
