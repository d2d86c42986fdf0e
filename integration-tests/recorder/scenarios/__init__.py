"""The stories that record.py plays; each module has USERS, NODES and story(stage), which returns how to label it."""
