"""Personal records: calendars, address books, notes.

calendar_reader: reader of calendars (.ics).
contacts_reader: reader of address books (.vcf).
content_lines: content lines of both.
evernote_reader: reader of notes in Evernote's exports.
keep_note: notes in Google Keep's exports.
"""
