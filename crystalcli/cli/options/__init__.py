"""Options and inputs that commands share: crystal, file filters, language model, texts."""
