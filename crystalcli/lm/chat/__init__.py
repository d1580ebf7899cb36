"""Messages to prompts, and the stream of an answer.

chat_template.py  renders messages by a model's template
sandbox.py        runs templates from outside within bounds
chat_prompt.py    encodes messages to ids
stream.py         stop strings, thoughts before the answer, ranges of a request
"""
