"""The studies: classic experiments of the course that you can repeat.

`STUDIES` holds them by name. A study is a question, the tasks that answer it (`tasks`), and a report (`study`).
"""

from .course import STUDIES
from .study import Study, StudyReport, as_csv, environment, runs_of, table
from .tasks import Result, Task, Training, on_cluster, run_all, settings_of

__all__ = [
    "STUDIES",
    "Result",
    "Study",
    "StudyReport",
    "Task",
    "Training",
    "as_csv",
    "environment",
    "on_cluster",
    "run_all",
    "runs_of",
    "settings_of",
    "table",
]
