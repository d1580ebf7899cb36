"""Options and inputs that commands share: the crystal, file filters, the language model, texts from files and stdin."""
