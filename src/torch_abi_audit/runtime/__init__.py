"""The machine room: code that lets a run start fast and use every processor. See README.md."""
