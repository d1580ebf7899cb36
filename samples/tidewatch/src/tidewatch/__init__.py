"""tidewatch: read, check, predict and watch the records of a tide gauge.

The modules are layered and import only downwards:

    cli  ->  store, alerts  ->  harmonics, quality  ->  gauge

``gauge`` knows nothing of SQLite, and ``store`` knows nothing of HTTP.
"""

__version__ = "1.4.0"
