"""What can go wrong, and whether trying again may help."""


class StarlingError(RuntimeError):
    """The command failed. Ray Train starts the workers again as often as its `FailureConfig` allows."""


class RefusedError(StarlingError):
    """Options, data or an installation that no second attempt makes better. It ends the training at once."""
