"""Lines of financial statements that a ratio is made of, or that an abbreviation stands for.

    quick ratio      cash, receivables, inventories, total current assets and liabilities
    gross margin     gross profit, cost of sales, net sales
    capex            capital expenditures, purchases of property, plant and equipment

A report prints the lines and not the ratio. A question for the ratio shares no word with the page
that answers it; the question's own words stand on pages that only talk about it.

Knows: accounting, in English. Does not know: pages, crystals.
"""

from __future__ import annotations

import re

_GROSS = "gross profit; cost of sales; cost of goods sold; cost of revenue; net sales; total revenue"
_NET = "net income; net earnings; total revenue; net sales"
_PROPERTY = "purchases of property, plant and equipment; capital expenditures; additions to property"
# A name in questions, and the lines: each as the statements of several companies have it.
_LINES = (
    (r"gross (?:profit )?margins?|gross profit\w*", _GROSS),
    (
        r"operating (?:profit |income )?margins?|operating profitability|\bebit\b",
        "operating income; income from operations; operating expenses; total revenue; net sales",
    ),
    (r"(?:net|profit|net profit|net income) margins?|\bprofitab\w+", _NET),
    (r"\bebitda\b", "operating income; depreciation and amortization; interest expense; net income"),
    (
        r"effective (?:income )?tax rates?",
        "provision for income taxes; income tax expense; income before income taxes",
    ),
    (r"interest coverage|times interest earned", "interest expense; operating income; income before income taxes"),
    (
        r"quick ratio|acid[- ]test|cash ratio",
        "cash and cash equivalents; receivables; inventories; total current assets; total current liabilities",
    ),
    (
        r"current ratio|working capital|liquidity ratio",
        "total current assets; total current liabilities; cash and cash equivalents",
    ),
    (
        r"debt[- ]to[- ](?:equity|assets|capital)|debt[-/ ]equity|(?:leverage|debt) ratio|financial leverage|capital structure",
        "long-term debt; short-term debt; total liabilities; total shareholders equity; total assets",
    ),
    (
        r"asset turnover|capital[- ]intensi\w+",
        "total assets; property, plant and equipment, net; capital expenditures; total revenue; net sales",
    ),
    (r"return on (?:total )?assets|\b(?-i:ROA)\b", "net income; net earnings; total assets"),
    (
        r"return on (?:\w+['’]s?'? )?equity|\b(?-i:ROE)\b",
        "net income; net earnings; total shareholders equity; total stockholders equity",
    ),
    (
        r"return on invested capital|\b(?-i:ROIC)\b",
        "operating income; income tax expense; long-term debt; total shareholders equity",
    ),
    (
        r"inventory turnover|days(?: of)?(?: sales)?(?: in)? inventory|inventory days|\b(?-i:DIO)\b",
        "inventories; cost of sales; cost of goods sold",
    ),
    (
        r"days sales outstanding|receivables? turnover|\b(?-i:DSO)\b",
        "accounts receivable, net; net sales; total revenue",
    ),
    (
        r"days payables? outstanding|payables? turnover|\b(?-i:DPO)\b",
        "accounts payable; cost of sales; cost of goods sold",
    ),
    (
        r"cash conversion cycle",
        "inventories; accounts receivable; accounts payable; cost of sales; cost of goods sold; net sales",
    ),
    (r"free cash[- ]?flow|\bFCF\b", f"net cash provided by operating activities; {_PROPERTY}"),
    (r"\bcapex\b|capital expenditures?", f"{_PROPERTY}; investing activities"),
    (r"payout ratio|\bdividends?\b", "dividends paid; cash dividends; net income"),
    (r"\b(?-i:COGS)\b", "cost of goods sold; cost of sales; cost of revenue"),
    (r"\bSG&A\b", "selling, general and administrative expenses"),
    (r"\bPP&?N?E\b", "property, plant and equipment, net"),
    (r"\bD&A\b", "depreciation and amortization"),
    (r"\bR&D\b", "research and development"),
    (r"\bEPS\b", "earnings per share; diluted"),
    (
        r"\bP&L\b|income statement|profit and loss",
        "statements of income; statements of operations; statements of earnings",
    ),
)
_PATTERNS = tuple((re.compile(name, re.IGNORECASE), lines) for name, lines in _LINES)


def statement_lines(question: str) -> str:
    """Give the lines of financial statements that a question asks for without naming them.

    Args:
        question: The question.

    Returns:
        The lines, with semicolons between them; "" where it asks for no ratio.
    """
    return "; ".join(lines for pattern, lines in _PATTERNS if pattern.search(question))
