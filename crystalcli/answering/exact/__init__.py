"""Code questions: definitions, callers, tests and messages of source code, found exactly."""
