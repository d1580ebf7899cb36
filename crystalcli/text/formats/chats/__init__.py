"""Exports of chats.

chat_json: messages in JSON exports.
chat_reader: reader of chat exports.
whatsapp: messages in WhatsApp's text exports.
"""
