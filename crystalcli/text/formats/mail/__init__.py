"""Mails and mailboxes.

mail_body: text of a mail that is written in HTML.
mail_message: one mail as text.
mail_reader: reader of mails and mailboxes.
"""
