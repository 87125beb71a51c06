"""The files of a report, one module for each; every one has `write(story, folder)`."""
