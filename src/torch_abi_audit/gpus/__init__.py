"""The answer of ``gpus``: on which GPUs the code in packages and object files runs."""
