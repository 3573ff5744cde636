"""The way from the unstable API to the stable one: what stands for what, and how far it is."""
