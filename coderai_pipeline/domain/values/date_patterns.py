"""The patterns by which dates are recognised in a passage. What they come to is in `date_forms`."""

import re

from coderai_pipeline.domain.values.digits import WORD

SPACE = r"[ \t\u00a0\u202f\n]"
TIME = (
    rf"(?:(?:T|[-,/]?(?=\d\d:[0-5]\d)|(?:{SPACE}?(?:г\.?|года|р\.|[(（][^\W\d_]{{1,4}}[)）]))?,?{SPACE}{{1,2}}(?:um|at|à|a|в|-)?{SPACE}?)"
    rf"(?P<hour>[01]?\d|2[0-4])(?:[:h]|\.(?=\d\d{SPACE}?Uhr))(?P<minute>[0-5]\d)"
    rf"(?::[0-5]\d(?:[.,]\d+)?)?"
    rf"(?:{SPACE}?(?P<half>[ap]\.?m\b\.?))?(?P<zone>Z|[+-]\d\d:?\d\d)?(?!\d))?"
)
NUMERIC = re.compile(
    r"(?:(?<![\d_./-])(?:(?<![A-Za-z\u00c0-\u058f])|(?<=[Dd][Aa][Tt][Ee]))(?<!\d,)|(?<=\d\.[-–—]))(?:"
    r"(?P<y>\d{4})(?P<sep>[-/]|\.\s?)(?P<m>\d{1,2})(?:(?P=sep)(?P<d>\d{1,2}))?"
    r"|(?P<a>\d{1,2})(?P<sep2>[-/]|\.\s?| [-/] (?=\d\d? [-/] \d{4}))(?P<b>\d{1,2})(?P=sep2)(?P<c>\d{4}|\d{2})"
    r"|(?P<mm>\d{1,2})[/](?P<yy>\d{4})"
    rf")(?!\d(?!\d:[0-5]\d)|[-/.,]\d(?!\d:[0-5]\d)){TIME}"
)
CJK_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
CJK_BETWEEN = r"[至到和及或与、~～〜—–-]|から|と|부터|와|과|및|또는"
CJK = re.compile(
    r"(?<!\d)(?:(?P<era>令和|平成|昭和|大正|明治|民国|民國|中華民國)\s?(?P<e>\d{1,3}|元|[一二三四五六七八九十]{1,4})\s?年"
    r"|(?P<y>\d{4}|[〇零○一二三四五六七八九]{4})\s?[年년](?![代대]))"
    r"(?:\([^()\n]{1,8}年\))?"  # the same year in the other calendar
    r"(?:度?\s?(?P<m>\d{1,2}|[一二三四五六七八九十]{1,3})\s?[月월]"
    rf"(?:\s?(?:{CJK_BETWEEN})\s?(?P<to_month>\d{{1,2}})\s?[月월]"
    r"|份?\s?(?P<d>\d{1,2}|[一二三四五六七八九十]{1,3})\s?[日号號일]"
    rf"(?:\s?(?:{CJK_BETWEEN})\s?(?:(?P<other_month>\d{{1,2}})\s?[月월]\s?)?(?P<to>\d{{1,2}})\s?[日号號일]"
    r"|(?:\s?[(（]?(?:星期|周|週)?[一二三四五六日天月火水木金土](?:曜日?)?[)）]?)?\s?(?P<half>上午|下午|晚上|午前|午後|오전|오후)?\s?"
    r"(?P<hour>[01]?\d|2[0-4])(?:[时時点點시]|:(?=\d\d))(?:\s?(?P<minute>[0-5]?\d)\s?[分분]?)?)?)?)?"
)
WORDS = re.compile(WORD)
# Within longer runs of letters, since Thai has no spaces between words.
THAI_MONTH = re.compile(
    r"(?:ม\.ค|ก\.พ|มี\.ค|เม\.ย|พ\.ค|มิ\.ย|ก\.ค|ส\.ค|ก\.ย|ต\.ค|พ\.ย|ธ\.ค)\.|มกราคม|กุมภาพันธ์|มีนาคม|เมษายน|พฤษภาคม|มิถุนายน|"
    r"กรกฎาคม|สิงหาคม|กันยายน|ตุลาคม|พฤศจิกายน|ธันวาคม"
)
THAI_ERA_BEFORE = re.compile(r"(?:พ\.ศ\.|ปี)\s?$")
TWO_WORDS = re.compile(f"{WORD} {WORD}")
ORDINAL = r"(?:st|nd|rd|th|er|º|ª|°|η|ης|-?(?:го|е|й|ого))?"
# Between two dates or days that are a range, or one or the other.
BETWEEN = (
    r"-|–|—|~|～|/|to|through|until|till|or|and|bis|und|oder|à|au|et|ou|a|al|y|e|o|hasta|t/m|tot|en|do|i|lub|до|по|и|или|"
    r"ile|ve|veya|până la|și|sau|έως|ως|και|đến|tới|và|hoặc|ถึง|से|और|या|إلى|الى|حتى|و|أو|עד|至|到|から|և"
)
DAY_BEFORE = re.compile(
    rf"(?:(?<!\d)(?P<from>\d{{1,2}})\.?{ORDINAL}\s?(?:{BETWEEN})\s?(?:[^\W\d_]{{2,10}}\s)?)?"
    rf"(?<![\d.,/:])(?P<day>\d{{1,2}}){ORDINAL}[.»”\"]?(?:{SPACE}{{0,2}}|-|/)"
    rf"(?:(?:day{SPACE})?of{SPACE}|de{SPACE}|d['’])?$"
)
SPELLED_DAYS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth"
    " seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth"
    " twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
ORDINALS = SPELLED_DAYS.split()
DAY_IN_WORDS = re.compile(
    rf"(?<![\w-])(?P<day>(?:(?:twenty|thirty)[- ])?(?:{'|'.join(word for word in ORDINALS if '-' not in word)}))"
    rf"{SPACE}(?P<of>(?:day{SPACE})?of{SPACE})?$",
    re.IGNORECASE,
)
YEAR_AFTER = re.compile(
    rf"\.?(?:{SPACE}{{0,2}}(?:,|de|del|of|do|d['’]|พ\.ศ\.|ค\.ศ\.|năm|του|din|عام|من عام|سنة)?{SPACE}{{0,2}}|-|/)(?P<year>\d{{4}}|(?:(?<=[-/])|['’])\d{{2}})"
    rf"(?!\d|[.,:]\d){TIME}",
    re.IGNORECASE,
)
SHORT_YEAR_AFTER = re.compile(rf"\.?{SPACE}(?P<year>\d{{2}})(?![\d:.,%]|{SPACE}?[ap]m)")
DAY_YEAR_AFTER = re.compile(
    rf"\.?{SPACE}{{0,2}}(?P<day>\d{{1,2}}){ORDINAL}(?:\s?(?:-|–|—|to|and)\s?(?P<to>\d{{1,2}}){ORDINAL})?"
    rf"(?:,{SPACE}?|{SPACE}{{1,2}})(?P<year>\d{{4}})(?!\d){TIME}",
    re.IGNORECASE,
)
YEAR_BEFORE = re.compile(rf"(?<!\d)(?P<year>\d{{4}})(?:{SPACE}|-|,{SPACE})$")
DASHED_YEAR_BEFORE = re.compile(r"(?<!\d)\d{4}-$")
DAY_AFTER = re.compile(rf"(?:{SPACE}|-)(?P<day>\d{{1,2}})(?!\d)")
YEAR = re.compile(
    r"(?:(?<![\w.,:/$€£¥#+-])|(?<=\bFY)|(?<=[พค]\.ศ\.)|(?<=ปี)|(?<=\b[Mm]id-))(?<!\$ |€ |£ |№ )(?P<year>\d{4})(?!\w|[.,:/-]\d|\s?(?:%|€|EUR|USD|\$))"
)
# A decade is not its first year: 1990-е, 1990年代, les années 1990.
DECADE_AFTER = re.compile(r"-?(?:е|х)(?!\w)|\s?年代|\s?년대|['’]?(?:er|s|lar|ler)(?!\w)|-(?:es|tal(?:et)?)(?!\w)")
DECADE_BEFORE = re.compile(
    r"(?:années|años|anni|anos|d[eé]cada del?|thập niên|δεκαετία(?: του)?|दशक|ทศวรรษ|anii|decennio|lat[ay]?)\s?$",
    re.IGNORECASE,
)
WEEK_BEFORE = re.compile(
    r"(?<!\w)(?:kw|cw|wk|week|semaine|semana|settimana|vecka|uge|неделя|tydzień|hafta)\s?$", re.IGNORECASE
)
DAYS_BEFORE = re.compile(rf"(?<![\d./])(?P<day>\d{{1,2}})(?P<sep>[./])(?:(?P<month>\d{{1,2}})\.?)?\s?(?:{BETWEEN})\s?$")
VIETNAMESE_MONTHS = (
    "giêng|một",
    "hai",
    "ba",
    "tư",
    "năm",
    "sáu",
    "bảy",
    "tám",
    "chín",
    "mười",
    "mười một",
    "mười hai|chạp",
)
VIETNAMESE = re.compile(
    rf"(?:(?:ngày|mồng|mùng) )?(?:(?:(?P<from>\d{{1,2}})\s?(?:{BETWEEN})\s?(?:ngày )?)?(?<!\d)(?P<d>\d{{1,2}}) )?tháng "
    rf"(?P<m>\d{{1,2}}|{'|'.join(reversed(VIETNAMESE_MONTHS))})(?:,? (?:năm )?|/)(?P<y>\d{{4}})(?!\d)",
    re.IGNORECASE,
)
COUNTED_OTHERWISE = ("fa", "ps", "ckb", "ar", "ur")
"""Languages whose years from 1300 to 1500 are those of another calendar."""
# First year of each era in our calendar, and its first and last day where it is one of days.
ERAS = {
    "令和": (2019, "2019-05-01", "9999"),
    "平成": (1989, "1989-01-08", "2019-04-30"),
    "昭和": (1926, "1926-12-25", "1989-01-07"),
    "大正": (1912, "1912-07-30", "1926-12-24"),
    "明治": (1868, "1873-01-01", "1912-07-29"),  # until 1872 its months were those of the moon
    "民国": (1912, "1912", "9999"),
    "民國": (1912, "1912", "9999"),
    "中華民國": (1912, "1912", "9999"),
}
THAI = re.compile(r"[\u0e00-\u0e7f]")
OTHER_ERA_BEFORE = re.compile(r"(?:\b(?:AH|A\.H\.|BCE?|B\.C\.)|단기|불기|檀紀|皇紀|佛历|佛曆)\s?$")
OTHER_ERA = re.compile(r"\s?(?:هـ|ه\b|AH\b|BCE?\b|B\.C\.|v\. ?Chr|av\. ?J|a\. ?C\.|до н)")
