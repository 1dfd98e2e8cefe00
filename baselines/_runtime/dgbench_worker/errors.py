"""The two ways a worker says no: one line for the user, or one failed pair."""


class WorkerError(Exception):
    """A problem that one line explains: exit 2 = wrong input, 3 = something is missing, 1 = the work failed."""

    def __init__(self, message, exit_code=2):
        super().__init__(message)
        self.exit_code = exit_code


class PairError(Exception):
    """Why one pair could not be generated; the worker goes on with the next. ``kind`` is counted by dgbench."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind
