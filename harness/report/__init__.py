"""Tables for people and files for programs; the only place with percent."""
