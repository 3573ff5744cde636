"""The machine room: what makes a run start fast and use every processor. See README.md."""
