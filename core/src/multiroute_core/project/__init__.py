"""The project file: find, load with file:line for every mistake, secrets by reference, diff."""

from multiroute_core.project.check import check_references, not_yet_in_effect
from multiroute_core.project.diff import diff_projects
from multiroute_core.project.jsonschema import project_schema
from multiroute_core.project.keys import hash_key, new_key
from multiroute_core.project.load import (
    Inspection,
    find_project_file,
    inspect_project,
    load_project,
    project_from_data,
)
from multiroute_core.project.locate import Locator
from multiroute_core.project.problems import Loc, Problem, ProjectError, did_you_mean
from multiroute_core.project.project import Project
from multiroute_core.project.schema import ProjectFile
from multiroute_core.project.secrets import Secret, SecretRef, resolve_secret
from multiroute_core.project.validation import problems_from_validation
from multiroute_core.project.values import thaw

__all__ = [
    "Inspection",
    "Loc",
    "Locator",
    "Problem",
    "Project",
    "ProjectError",
    "ProjectFile",
    "Secret",
    "SecretRef",
    "check_references",
    "did_you_mean",
    "diff_projects",
    "find_project_file",
    "hash_key",
    "inspect_project",
    "load_project",
    "new_key",
    "not_yet_in_effect",
    "problems_from_validation",
    "project_from_data",
    "project_schema",
    "resolve_secret",
    "thaw",
]
