"""Statements that people make of themselves, by their form, and the group that each belongs to.

    I am a nurse, I live in Oldhaven, my rent is 900       a fact
    I like rye bread, I never eat meat, my favourite ...   a preference
    I want to learn Dutch, my goal is ...                  a goal
    I am going to move on 3 March, my flight is on ...     a plan
    my sister Ann lives in Oldhaven, I have two sons       people

Only a main clause with "I" or "my" counts. Questions, requests, conditions, hearsay, quotations,
thanks, moods of the moment and the talk of a conversation ("I see", "I want to know") are left out:
a wrong line in a profile is worse than a missed one.

Knows: English sentence forms. Does not know: who speaks, dates, documents.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

_MIN_WORDS, _MAX_LENGTH = 3, 400  # words and characters of a sentence that is read


class StatementGroup(StrEnum):
    """What a statement tells of a person."""

    FACT = "facts"
    PREFERENCE = "preferences"
    GOAL = "goals"
    PLAN = "plans"
    PEOPLE = "people"


class SelfStatement(NamedTuple):
    """A statement.

    Attributes:
        group: What it tells.
        key: What it is about, where one holds at a time by its form: "my rent"; else "".
    """

    group: StatementGroup
    key: str = ""


# A clause begins a sentence, or follows a comma or a conjunction.
_CLAUSE = r"(?:\A|(?<=[,;:–—] )(?:and |but |so |because |since |as |though |although )?|(?<= )(?:and|but|because) )"
_ADVERB = (
    r"(?:(?:really|truly|absolutely|also|still|just|actually|generally|usually|mostly|mainly|particularly|especially|"
    r"personally|definitely|always|simply|quite|very much|totally|do|currently|now|recently|finally|"
    r"already|both|genuinely|even|only|"
    r"originally|often|deeply|honestly|sometimes|eventually|ultimately|hopefully|long) )*"
)
_I = rf"{_CLAUSE}I {_ADVERB}"
_IM = rf"{_CLAUSE}(?:I am|I['’]m) (?!not sure)(?:not )?{_ADVERB}"
_HAVE = r"(?:have |['’]ve )?"
_MY = rf"{_CLAUSE}[Mm]y "
_MINE = r"(?:\A|(?<=[,;:–—] )(?:and |but )?)[Mm]y "
_LEAD = re.compile(
    r"^(?:(?:and|but|so|well|ok|okay|oh|ah|hi|hey|hello|hm+|yes|yeah|yep|no|nope|sure|right|also|"
    r"plus|anyway|actually|honestly|"
    r"btw|by the way|lately|recently|currently|personally|fyi|haha+|lol|wow|thanks|thank you|great|cool|nice|"
    r"as (?:I said|you know|for me)|for me|in fact|to be honest|after all|these days|nowadays|at the moment|right now|"
    r"(?:hi|hey|hello|thanks|dear) [A-Z]\w+)(?:[,!.:;–—-]+ *| +(?=I\b|my\b|I['’])))+",
    re.IGNORECASE,
)

# --- what is no statement of oneself ------------------------------------------------------------

_OTHERWISE = re.compile(
    # Questions, requests, conditions, wishes against the facts.
    r"\?|\b(?:can|could|would|will|may|did|do|are|have) (?:you|we|I)\b|\bif (?:I|you|we|my|it|that|"
    r"there|only)\b|\b(?:please|pls)\b|"
    r"\b(?:help|show|tell|give|explain|remind|advise|suggest|recommend|send|write|let|teach|guide|"
    r"assist|ask|asking) (?:me|us|you)\b|"
    r"\bwhat (?:would|should|could)\b|\bwonder(?:ed|ing)?\b|\b(?:unless|suppose|imagine|pretend|"
    r"as if|as though|whether|maybe|"
    r"perhaps|might|I wish|guess|assume|supposed to)\b|\bI(?:['’]d| would) be\b|\b(?:your|you['’]re) help\b|"
    # What others say or said.
    r"\b(?:he|she|they|you|who|everyone|people|someone) (?:\w+ )?(?:said|says|told|asked|thinks?|"
    r"thought|wrote|writes|called|calls)\b|"
    r"\b(?:said|told me|asked me|according to|called me|says)\b|"
    # Dramatic and figurative speech, examples.
    r"\b(?:for example|e\.g\.|let['’]s say|lol|haha|feels? like|joking|kidding|so to speak)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s*(?:>|[\"“'‘*_`|#$<{]|\d+[.)]\s)|[“”\"`{}<>=|]|https?://|\.\.\.$|…$")
_TALK = re.compile(  # of a conversation, and not of oneself
    r"\b(?:I(?:['’]m| am) (?:not )?(?:\w+ly )?(?:sorry|afraid|sure|glad|happy (?:to|for|that)|here|"
    r"there|back|ready|done|"
    r"fine|good|okay|ok|all set|curious|confused|stuck|lost|wondering|thinking|looking forward|saying|talking|asking|"
    r"referring|serious|right|wrong|so\b|too\b|at a loss|unsure|in\b(?! (?:my|a|charge|debt|school|college|love)))|"
    r"I (?:see|mean|think|know|knew|thought|agree|understand|hear|bet|hope (?:you|that|this|it|so|he|"
    r"she|they|everyone|all|we)|"
    r"(?:just )?(?:noticed|realized|realised|wanted to (?:say|ask|know|check|let|share|see|tell|"
    r"thank))|suspect|believe|feel|"
    r"need (?:to|you|help|your|a hand|some|more|it|this|that)|got (?:it|you|that)|see|say|said|mentioned|meant)\b)",
    re.IGNORECASE,
)
# Behind "I like", "I want": this message, or the one who is spoken to.
_HERE = (
    r"(?:(?:\w+ing )?(?:it|them|her|him)\b|it|that|this|these|those|them|you|your|yours|how|"
    r"the (?:idea|way|sound|look|part|fact|thought|suggestion|approach|plan)s?|all|what)\b"
)
_DATED = (
    r"\b(?:tomorrow|tonight|next (?:week|month|year|spring|summer|autumn|fall|winter|semester|term|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|"
    r"september|october|november|"
    r"december)|this (?:coming |upcoming )?(?:weekend|spring|summer|autumn|fall|winter|evening|afternoon|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)|(?:on|by|until|before) (?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"(?:(?:on|by|until|before|in|from|for|around) )?(?:the )?(?:\d{1,2}(?:st|nd|rd|"
    r"th)?(?: of)? (?:jan|feb|mar|apr|may|jun|jul|aug|"
    r"sep|oct|nov|dec)[a-z]*|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|"
    r"dec)[a-z]*\.? \d{1,2}\b(?!\d)|20\d\d-\d\d-\d\d|"
    r"the \d{1,2}(?:st|nd|rd|th))|in (?:\d+|two|three|four|five|six|a|a few|a couple of) (?:days?|"
    r"weeks?|months?|years?)|"
    r"(?:in|this|by) (?:january|february|march|april|may|june|july|august|september|october|november|december))\b"
)
_DATE = re.compile(_DATED, re.IGNORECASE)

# --- the forms ------------------------------------------------------------------------------------

_RELATION = (
    r"(?:(?:older|younger|elder|eldest|youngest|little|big|best|close|old|good|twin|late|ex-?|step-?|"
    r"half-?|dear|new|former) ?)*"
    r"(?:mother|father|mum|mom|dad|parents?|brothers?|sisters?|siblings?|sons?|daughters?|kids?|"
    r"child(?:ren)?|wife|husband|spouse|"
    r"partner|fianc[ée]e?|girlfriend|boyfriend|grand(?:mother|father|ma|pa|parents|son|daughter|kids|children)|"
    r"aunt|uncle|cousins?|nieces?|nephews?|friends?|colleagues?|co-?workers?|boss|manager|mentor|"
    r"neighbou?rs?|room-?mates?|flat-?mates?|"
    r"landlord|landlady|teacher|coach|therapist|doctor|dentist|family|in-laws|mother-in-law|father-in-law|"
    r"brother-in-law|sister-in-law|supervisor|business partner|team-?mates?|band-?mates?|class-?mates?)"
)
_NO_RELATION = r"(?!['’]s|s['’]| (?:and I\b|of course))"
_PEOPLE = tuple(
    re.compile(form)
    for form in (
        # "my sister Ann lives in", "my wife is a doctor"
        rf"{_MINE}{_RELATION}{_NO_RELATION}(?:,? [A-Z][\w'’-]+,?)?(?: \(?\d+\)?,?)? (?:is|are|was|were|"
        r"has|have|had|lives?|lived|works?|worked|"
        r"teaches|taught|studies|studied|runs|owns|passed|died|grew|loves?|likes?|enjoys?|plays?|speaks?|"
        r"moved|just (?:had|got|moved)|"
        r"got (?:married|engaged)|gave birth|turn(?:s|ed)|suffers|retired|started)\b",
        # "my sister Ann", where the name is said beside it
        rf"{_MINE}{_RELATION},? (?:is )?(?:called |named )?[A-Z][a-z]+\b",
        rf"{_I}(?:have|['’]ve got|have got|had|has) (?:a|an|one|two|three|four|five|six|no|many|several|"
        rf"twin|\d+) (?:\w+ )?{_RELATION}\b",
        rf"{_IM}(?:married|engaged) to\b",
        rf"{_IM}(?:an? |the )(?:(?:proud|single|new|young|only|oldest|youngest|middle|working|"
        r"stay-at-home|first-time|step-?) ?)*"
        r"(?:mother|father|mum|mom|dad|parent|grandmother|grandfather|uncle|aunt|brother|sister|twin|"
        r"child|wife|husband|widow|widower)\b",
    )
)
_PLAN = tuple(
    re.compile(form)
    for form in (
        rf"{_IM}(?:planning|scheduled|booked|due|flying|travell?ing|leaving|moving|getting married|"
        r"meeting|starting|visiting|"
        r"hosting|having(?! (?:trouble|issues?|problems?|difficult|a (?:hard|tough)))|"
        r"taking|attending|joining|seeing|running|throwing|driving|off to|heading|"
        r"returning|presenting|interviewing)\b",
        rf"{_IM}going (?:to|on|for)\b",
        rf"{_I}(?:plan|intend|have booked|have scheduled|booked|scheduled|signed up|registered|will|fly|leave|start|"
        r"have (?:an?|my|the) (?:\w+ )*(?:appointment|meeting|exam|interview|flight|surgery|operation|"
        r"deadline|date|class|"
        r"reservation|trip|presentation|concert|race|conference|wedding|viva|checkup|visit))\b",
        rf"{_CLAUSE}(?:I['’]ll|I['’]ve (?:booked|scheduled|signed up|planned)|I['’]ve got (?:an?|my)) ",
        rf"{_MY}(?:\w+ ){{0,3}}(?:appointment|meeting|exam|interview|flight|surgery|operation|deadline|"
        r"wedding|trip|class|course|last day|first day|"
        r"presentation|birthday party|move|holiday|vacation|checkup|defen[cs]e|reservation|test|race|conference) "
        r"(?:is|starts|begins|will|got moved|was moved|has been moved)\b",
    )
)
_UNDATED_PLAN = tuple(
    re.compile(form)
    for form in (
        rf"{_IM}planning (?:to|on|a|an|my|our)\b(?! (?:use|do|make|implement|add) (?:it|this|that))",
        rf"{_I}(?:plan|intend) (?:to|on)\b(?! (?:use|do|make|implement|add) (?:it|this|that))",
        rf"{_MY}plan is to\b",
    )
)
_GOAL = tuple(
    re.compile(form)
    for form in (
        rf"{_I}(?:want|hope|aspire|aim|dream|would (?:love|like)|long) (?:to|of)\b "
        r"(?!(?:know|ask|see|make sure|ensure|understand|say|tell|thank|share|hear|check|add|mention|"
        r"discuss|talk|point|clarify|confirm|"
        r"apologi[sz]e|be (?:sure|clear|able|honest|mindful|careful)|avoid|start by|start with|"
        r"go (?:over|through|with)|get (?:your|an? (?:better|good|idea|sense))|"
        r"use|do (?:it|this|that)|review|compare|figure|find out|focus|explore (?:this|that|how|the)|"
        r"learn more|include|keep (?:it|this|that|the)|"
        r"calculate|implement|verify|test|create a (?:function|script|table|list|schedule)|fix|debug|"
        r"handle|optimi[sz]e|improve (?:the|this|my (?:code|app|understanding))|make (?:a|it|this|that|"
        r"them|the|my|your)|try (?:it|that|this|them|one|out)|savou?r|keep|solidify|refactor|return|"
        r"display|reduce|\w+ (?:(?:these|that|those|it|them|this(?! (?:year|month|week|summer|winter|"
        r"spring|autumn|time))))(?= |\W*$))\b)",
        rf"{_CLAUSE}I['’]d (?:really |also )?(?:love|like) to (?:visit|learn|travel|become|own|live|move|"
        r"run|open|write|play|study|"
        r"work as|start|try|build|go|have|retire|buy|get (?:into|better|married|my))\b(?! (?:more\b|"
        r"it|that|this|them|one|a \w+ like that|how|what|there)\b)",
        rf"{_MY}(?:\w+ ){{0,3}}(?:goal|dream|aim|ambition|objective|resolution|aspiration|target) (?:is|"
        r"was|has|remains)\b",
        rf"{_IM}(?:aiming|hoping to|working (?:towards?|on (?:my|becoming|getting))|saving (?:up )?for|"
        r"training for|studying for|preparing for|"
        r"trying to (?:learn|lose|quit|save|get (?:fit|better|into|healthier|pregnant|a job)|eat|become|"
        r"stop|cut|run|build (?:a habit|a career|up)|sell|buy|finish|publish))\b",
        rf"{_I}{_HAVE}(?:set|made) (?:myself )?(?:a|the|my) (?:\w+ )?goal\b",
        rf"{_I}dream of\b",
    )
)
_LIKE = (
    r"(?:like|dig|love|enjoy|prefer|hate|dislike|adore|detest|despise|loathe|can['’]t stand|cannot stand|"
    r"don['’]t (?:really )?(?:like|enjoy|care for|eat|drink)|do not (?:like|enjoy|eat|drink)|favou?r|fell in love with|"
    r"(?:have|had) a (?:passion|soft spot|weakness|sweet tooth)|gravitate (?:to|towards?)|avoid|cherish|savou?r|"
    r"used to (?:like|love|enjoy|hate)|(?:no longer|stopped) (?:like|enjoy|liking|enjoying))"
)
_PREFERENCE = tuple(
    re.compile(form)
    for form in (
        rf"{_I}{_LIKE} (?!{_HERE}|to (?:think|say|know|admit|hear|help|see you)|when you|being able)",
        rf"{_CLAUSE}I['’]ve (?:always )?(?:loved|liked|enjoyed|hated|preferred|disliked|adored|"
        r"grown to (?:love|like|enjoy)|"
        r"(?:recently |lately )?(?:fallen in love|taken a liking)|(?:also |recently |always )?(?:developed|"
        r"had) an? (?:\w+ )?(?:passion|love|taste|interest|appreciation)|been an? (?:\w+ )?fan) "
        rf"(?!{_HERE})",
        rf"{_IM}(?:an? )?(?:big|huge|avid|total|lifelong|massive|bit of an?|great|real|complete|die-?hard|"
        r"not much of an?)? ?(?:fan|lover|enthusiast|buff|"
        r"foodie|homebody|bookworm|night owl|early bird|morning person|cat person|dog person)\b",
        rf"{_IM}(?:very |really |so |quite |deeply |super |particularly )?(?:passionate about|keen on|"
        r"fond of|into|obsessed with|addicted to|interested in|"
        r"drawn to|crazy about|fascinated by|partial to) "
        rf"(?!{_HERE})",
        rf"{_MY}(?:(?:all-time|absolute|current|new) )?(?:favou?rite|preferred|go-to|"
        rf"least favou?rite)\b[^,;]{{1,60}}? (?:is|are|was|were|has|would|include)\b",
        rf"{_I}never (?:eat|drink|use|take|watch|read|wear|buy|go|play|drive|smoke|cook|listen|answer|"
        r"work|order|skip|leave|sleep|miss|"
        r"travel|fly|run|write|shop|touch|get up|do)\b",
        rf"{_CLAUSE}I (?:usually |generally |always )(?:eat|drink|use|take|watch|read|wear|buy|go|play|"
        r"drive|cook|listen|work|order|"
        r"travel|run|write|shop|get up|wake up|start my day|sleep|have (?:coffee|tea|breakfast))\b",
        rf"{_MY}(?:\w+ )?(?:passion|hobby|hobbies|guilty pleasure|comfort food|pet peeve|love (?:for|of)|"
        r"taste|interests?) (?:is|are|lies?|has|in|for|of)\b",
    )
)
_STATE = (
    r"(?:bit|mix|little|lot|fan|complete beginner in this|moment|mess|few|loss|point|while|huge|"
    r"good idea|big|couple|fool|idiot|rush|hurry|bad)\b"
)
_FACT = tuple(
    re.compile(form)
    for form in (
        rf"{_IM}(?:an? |the )(?!{_STATE})[\w-]+",
        rf"{_IM}(?:from|born|based in|living in|married|divorced|single|retired|vegetarian|vegan|"
        r"pescatarian|allergic to|lactose|gluten|diabetic|"
        r"asthmatic|left-handed|right-handed|colou?r-?blind|deaf|blind|pregnant|autistic|dyslexic|"
        r"bilingual|unemployed|self-employed|employed|interning|"
        r"certified|fluent in|working (?:as|at|for|in)|studying|enrolled|majoring|in charge of|"
        r"responsible for|in my (?:\w+ )?(?:year|twenties|thirties|forties|fifties|sixties)|"
        r"\d+(?: years old| yrs old|\b(?! ?(?:%|percent|minutes|hours|days|weeks|months|km|miles)))|"
        r"originally from|half [A-Z]|[A-Z][a-z]+(?:ish|ian|ese|can)\b|a\.k\.a)",
        rf"{_I}(?:live|lived|grew up|was born|was raised|moved (?:to|into|from|in|out|here|back|house|"
        r"across)|work(?:ed)? (?:at|for|as|in|from|part|full|night|with (?:children|kids|people|"
        r"animals))|study|studied|graduated|majored|joined|retired|own|owned|speak|teach|taught|"
        r"bought|sold|adopted|inherited|found a (?:job|flat|house|new)|got (?:the \w+ job|married|"
        r"engaged|divorced|promoted|fired|laid off|hired|accepted|my (?:degree|license|licence|first)|"
        r"a (?:new )?(?:job|dog|cat|car|tattoo|promotion))|"
        r"quit|left my|lost my|changed jobs|started (?:a|an|my|work|working|at|playing|learning|taking)|"
        r"passed (?:my|the)|finished (?:my|school|college)|earned (?:my|a)|weigh|earn|rent|drive a|"
        r"suffer|volunteer|play (?:the|guitar|piano|violin|football|soccer|tennis|basketball|chess|bass|"
        r"drums)|run a|was diagnosed|attend|attended|served|co-?founded|founded|launched my|"
        r"opened (?:an?|my)|intern|"
        r"used to (?:play|live|work|own|teach|run|drive|smoke|dance|study|be (?:a|an|the))|"
        r"broke my|won (?:a|the|my)|published|spent \w+ years)\b(?! (?:on it|on this|on that|it\b|this\b|"
        r"that\b|fine|well\b|great|through|out\b|together|with you))",
        rf"{_CLAUSE}I['’]ve (?:been (?:working (?:at|for|as|in)|living|teaching|playing|studying|running|"
        r"married|a |an |vegan|vegetarian|with \w+ for)|"
        r"lived|worked|moved|bought|sold|adopted|started (?:a|my|taking|learning|working)|joined|quit|"
        r"never (?:been|had|seen|eaten|tried|learned|learnt)|always (?:been|had|lived)|"
        r"got (?:a|an|two|three|four) (?:new )?(?:dogs?|cats?|pets?|car|bike|kids?|jobs?|house|flat|"
        r"garden|tattoos?|degree|puppy|kittens?)|had (?:my|a (?:dog|cat|car)))\b(?! (?:on (?:it|this|"
        r"that)\b|bit\b|lot\b|hard time|look|chance|feeling))",
        rf"{_I}(?:have|own|keep) (?:a|an|one|two|three|four|five|six|\d+) (?:\w+ ){{0,3}}?(?:dogs?|cats?|"
        r"pets?|car|bike|bicycle|motorbike|boat|house|flat|apartment|garden|"
        r"allotment|degree|phd|master['’]?s|bachelor['’]?s|licen[cs]e|allergy|allergies|condition|"
        r"business|company|shop|studio|blog|channel|podcast|"
        r"job|bakery|store|farm|horse|horses|rabbits?|hamsters?|turtles?|birds?|tattoos?|passport|"
        r"pension|mortgage|scar|background in|diploma|certificate|daughter|son)\b",
        rf"{_I}(?:have|suffer from|struggle with|was diagnosed with) (?:diabetes|asthma|adhd|anxiety|"
        r"depression|arthritis|celiac|coeliac|migraines?|insomnia|"
        r"epilepsy|high blood pressure|ibs|eczema|chronic|type [12]|back pain|hay fever)\b",
        rf"{_MY}(?P<subject>(?:[\w-]+ ){{0,2}}(?:name|age|birthday|address|email|phone|number|job|title|"
        r"role|position|employer|company|salary|rent|income|budget|weight|height|blood type|"
        r"hometown|home|house|flat|apartment|car|bike|dog|cat|pet|degree|major|school|university|"
        r"nationality|religion|star sign|zodiac sign|shoe size|size|allergy|diet|"
        r"native language|mother tongue|first language|mortgage|pension|commute|landlord|bank|insurance|"
        r"doctor|dentist|gym|business|shop|store|studio|"
        r"band|blog|username|nickname|surname|middle name|license plate|membership|contract|password|pin|"
        r"score|savings|background|anniversary|shift|locker|desk|office|"
        r"mac|laptop|phone number|skin type|condition|profession|occupation|wage|hourly rate|"
        r"rate)) (?:is|are|was|has been|used to be|['’]s)\b"
        r"(?! (?:that|to|how|because|what|so|not|like|very|really|getting|going|great|good|bad|okay|fine|too|"
        r"broken|here|there|ready)\b)",
        rf"{_MY}(?:\w+ )?(?:dogs?|cats?|pets?|puppy|kitten|horse|rabbits?)(?:,? [A-Z][\w-]+,?)? (?:is|are|"
        r"was|had|has|loves?|likes?|died|needs|hates?)\b",
    )
)
_ENTRY = re.compile(  # "Weight 82.6 kg.", "New address: 7 Ropewalk"
    r"(?:[Nn]ew )?([Aa]ddress|[Pp]hone(?: number)?|[Rr]ent|[Ww]eight|[Ll]andlord|[Ss]alary|[Jj]ob|"
    r"[Ee]mployer|[Bb]oss|[Dd]entist|[Dd]octor|[Gg]oal|"
    r"[Ee]mergency fund|[Ss]avings|[Pp]ension|[Ii]nsurance|[Bb]ank|[Gg]ym)(?::| is| at|"
    r" stands at)? (?=[A-Z\d€£$]|Mr|the [a-z]+ [a-z]+\.?$)[^?!]{2,80}$"
)
_MARKER = re.compile(r"^(?:[-*+•] (?:\[[ xX]\] )?|\d{1,2}[.)] )")  # of an item of a list
_GOAL_ENTRY = re.compile(
    r"(?:(?:[Mm]y|[Nn]ew|New Year['’]s) )?(?:[Gg]oal|[Rr]esolution)s?(?: for [\w ]{1,30})?: [^?]{5,120}$"
)
_DONE = re.compile(  # "Joined the gym", without a subject
    r"(?:Moved (?:to|into|from|in|out)|Joined|Started (?:the|a|my|at|work|learning|playing)|"
    r"Passed (?:the|my)|Bought|Sold|Quit|Left my|"
    r"Got (?:the|a|my) (?:\w+ )?(?:job|flat|dog|cat|degree|licen[cs]e|promotion|car)|Adopted|"
    r"Graduated|Signed up|Booked|Found a (?:flat|job|house))\b"
)
_REQUEST = re.compile(
    r"\b(?:I(?:['’]d| would) (?:like|love|appreciate|prefer)\b(?! to (?:visit|learn|travel|become|"
    r"own|live|move|run|open|see the|write a|play|study|"
    r"work as|start|try|build|go|have|retire|buy|get))|looking for (?:some|any|advice|help|tips|ways|"
    r"a way)|need (?:some|your|help|advice)|"
    r"(?:any|some) (?:advice|tips|suggestions|ideas|recommendations)|not sure)\b",
    re.IGNORECASE,
)
_PAST_PLAN = re.compile(
    r"\b(?:was|were|had|yesterday|last (?:week|month|year|night|summer|spring|winter|fall)|ago)\b", re.IGNORECASE
)


def read_self_statement(sentence: str, *, in_diary: bool = False) -> SelfStatement | None:
    """Read what a sentence tells of the person who says it.

    Args:
        sentence: The sentence, without the name of the speaker.
        in_diary: Whether it stands in a diary, where "I" is left out: "Moved to 7 Ropewalk".

    Returns:
        The statement; None for any other sentence.
    """
    if in_diary:
        sentence = words = _MARKER.sub("", " ".join(sentence.split()))
        if match := _ENTRY.match(words):
            group = StatementGroup.GOAL if match[1].lower() == "goal" else StatementGroup.FACT
            return SelfStatement(group, f"my {match[1].lower()}")
        if _GOAL_ENTRY.match(words):
            return SelfStatement(StatementGroup.GOAL)
        if _DONE.match(words):
            sentence = f"I {words[0].lower()}{words[1:]}"
    said = clean_sentence(sentence)
    if said is None or _TALK.match(said) or _REQUEST.search(said):
        return None
    if _DATE.search(said) and not _PAST_PLAN.search(said) and _matches(_PLAN, said):
        return SelfStatement(StatementGroup.PLAN)
    for group, forms in (
        (StatementGroup.PEOPLE, _PEOPLE),
        (StatementGroup.GOAL, _GOAL),
        (StatementGroup.PLAN, _UNDATED_PLAN),
        (StatementGroup.PREFERENCE, _PREFERENCE),
        (StatementGroup.FACT, _FACT),
    ):
        if (match := _matches(forms, said)) is not None:
            subject = match.groupdict().get("subject")
            return SelfStatement(group, f"my {subject.lower()}" if subject else "")
    return None


def clean_sentence(sentence: str) -> str | None:
    """Give a sentence without the words that lead into it; None for one that states nothing."""
    said = _LEAD.sub("", " ".join(sentence.split()).replace("’", "'"))
    if len(said) > _MAX_LENGTH or said.count(" ") + 1 < _MIN_WORDS or _QUOTED.search(said) or _OTHERWISE.search(said):
        return None
    return said if re.search(r"\b(?:I|[Mm]y)\b", said) else None


def _matches(forms: tuple[re.Pattern[str], ...], said: str) -> re.Match[str] | None:
    return next((match for form in forms if (match := form.search(said)) is not None), None)
