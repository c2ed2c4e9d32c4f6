"""The words that stand with numbers: magnitudes, currencies, units of per cent, and small numbers spelled out.

Each list covers the languages the project promises; how the words change a number is in `numbers`.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

from coderai_pipeline.domain.values.locale_data import magnitude_words

# Amounts in accounts counted in thousands or millions of a currency.
SCALED_CURRENCIES: Mapping[str, tuple[Decimal, str]] = {
    f"{letter}{currency}": (Decimal(factor), code)
    for letter, factor in (("T", 10**3), ("k", 10**3), ("K", 10**3), ("M", 10**6))
    for currency, code in (
        *(("€", "EUR"), ("£", "GBP")),
        *((code, code) for code in ("EUR", "USD", "CHF", "GBP", "SEK", "NOK", "DKK", "PLN")),
    )
} | {
    written: (Decimal(factor), "kr")
    for factor, forms in {10**3: "tkr Tkr", 10**6: "mkr Mkr mnkr mnok", 10**9: "mdkr Mdkr mdrkr"}.items()
    for written in forms.split()
}


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


THOUSAND, MILLION, MILLIARD = Decimal(10) ** 3, Decimal(10) ** 6, Decimal(10) ** 9
TRILLION = Decimal(10) ** 12

MAGNITUDES: Mapping[str, Decimal] = {
    unicodedata.normalize("NFC", word): factor
    for factor, words in {
        Decimal(10): "십 สิบ",
        Decimal(100): "hundred مئة مائة 百 백 ร้อย",
        THOUSAND: "thousand thousands tausend tsd mille mil тыс тысяча тысячи тысяч ألف الف آلاف الاف 千 mila 천 ngàn nghìn אלף אלפים हजार हज़ार พัน",
        Decimal(10) ** 4: "万 萬 만 หมื่น",
        Decimal(10) ** 5: "lakh lakhs lac lacs 十万 แสน",
        MILLION: "million millions mln mn mio millionen millón millon millones milione milioni milhão milhões miljoen"
        " triệu млн миллион миллиона миллионов مليون ملايين 百万 百萬 מיליון ล้าน",
        Decimal(10) ** 7: "crore crores 千万 千萬 करोड़ करोड",
        Decimal(10) ** 8: "亿 億 억",
        MILLIARD: "billion billions bn bln milliard milliards milliarde milliarden mrd mds md tỷ tỉ millardo millardos miliardo"
        " miliardi miljard bilhão bilhões млрд миллиард миллиарда миллиардов مليار مليارات بليون מיליארד",
        TRILLION: "trillion trillions trn трлн триллион триллиона триллионов تريليون 万亿 萬億 兆 조",
    }.items()
    for word in words.split()
}
# In these languages "billion" is a million millions.
LONG_SCALE: Mapping[str, Decimal] = {
    **dict.fromkeys(("billion", "billionen", "billions", "billón", "billon", "billones"), TRILLION),
    **dict.fromkeys(("trillion", "trillionen", "trillions", "trillón", "trillon", "trillones"), TRILLION * MILLION),
}
ALWAYS_LONG = frozenset({"billionen", "billón", "billon", "billones", "trillionen", "trillón", "trillon", "trillones"})
LONG_SCALE_LANGUAGES = frozenset({"de", "fr", "es", "nl", "pl", "da", "sv", "no", "nb", "fi", "cs", "sk", "hu"})

PERCENT_WORDS = (
    "percent|per cent|pct|prozent|pour cent|pour-cent|por ciento|procent|per cento|por cento|"
    "процентов|процента|процент|проц|відсотків|відсотка|بالمئة|بالمائة|في المئة|في المائة|درصد|فیصد|אחוזים|אחוז|प्रतिशत|फीसदी|फ़ीसदी|"
    "শতাংশ|τοις εκατό|phần trăm|la sută|yüzde|százalék|prosenttia|persen|peratus"
)

# In scripts without spaces a word may follow at once.
UNSPACED_PERCENT_WORDS = "百分点|パーセント|퍼센트|เปอร์เซ็นต์|เปอร์เซนต์"

CURRENCIES: Mapping[str, str] = {
    symbol.replace("_", " "): code
    for code, symbols in {
        "EUR": "€ euro euros евро євро يورو 欧元 歐元 ευρώ euró",
        "GBP": "£ pound_sterling pounds_sterling 英镑 英鎊",
        "INR": "₹",
        "BDT": "৳ টাকা",
        "RUB": "₽ руб рубль рубля рублей rubles roubles 卢布",
        "KRW": "₩ 韩元 원",
        "TRY": "₺ TL",
        "RON": "lei",
        "UAH": "₴ грн гривен гривень гривні гривня",
        "HUF": "Ft forint",
        "ILS": "₪ NIS שקל שקלים",
        "VND": "₫ đồng đ",
        "CNY": "元 人民币 人民幣 yuan RMB",
        "JPY": "円 日元 日圓 yen иен",
        "USD": "US$ U.S.$ US-Dollar 美元 us_dollars US_dollar",
        "AUD": "A$ AU$",
        "CAD": "C$ CA$",
        "HKD": "HK$ 港元",
        "NZD": "NZ$",
        "SGD": "S$",
        "TWD": "NT$",
        "BRL": "R$ reais",
        "MYR": "RM",
        "CHF": "SFr Fr. Franken",
        "THB": "฿ บาท",
        "NGN": "₦",
        "PHP": "₱",
        "IDR": "Rp",
        "PLN": "zł zl złotych złote",
        "CZK": "Kč",
        "SAR": "﷼",
    }.items()
    for symbol in symbols.split()
}
# Of no one country: kept as written.
OPEN_CURRENCIES = _words(
    "$ ¥ dollars dollar Dollar pounds pesos peso francs доллар доллара долларов долл دولار دولارات ريال دينار "
    "جنيه درهم dólares dólar Pfund Rs kr kronor kroner रुपये रुपए रुपया lira"
)
CURRENCY_SIGNS = "$€£¥₹₽₩₺₴₪₫﷼¢฿₦₱"
CJK_CURRENCIES = (
    "人民币",
    "人民幣",
    "美元",
    "欧元",
    "歐元",
    "英镑",
    "英鎊",
    "日元",
    "日圓",
    "港元",
    "韩元",
    "卢布",
    "元",
    "円",
    "원",
    "บาท",
)
UNITS = _words(
    "kg g mg µg t lb lbs oz km m cm mm µm nm mi ft in yd km² m² cm² ha ac l ml cl hl m³ cm³ s ms h min kW MW GW W "
    "kWh MWh GWh TWh V A Hz kHz MHz GHz Pa kPa bar K J kJ MJ kcal cal mph kmh kn B kB KB MB GB TB px pp bp ppm кг "
    "км м см мм га т л кВт МВт ч"
)
ISO_CODES = _words(
    "AED AFN AMD AOA ARS AUD AZN BAM BDT BGN BHD BIF BND BOB BRL BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CZK "
    "DEM DJF DKK DOP DZD EGP ERN ESP ETB EUR FJD FRF GBP GEL GHS GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR "
    "IQD IRR ISK ITL JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NLG NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP SYP SZL THB TJS TMT TND TRY TTD TWD TZS UAH UGX USD UYU UZS VES "
    "VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
)

# From zero upwards; | separates forms of one number.
NUMBER_WORDS: Mapping[str, str] = {
    "en": (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen twenty"
    ),
    "de": (
        "null ein|eins|eine|einen zwei|zwo drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
        " sechzehn siebzehn achtzehn neunzehn"
    ),
    "fr": "zéro un|une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
    "es": (
        "cero un|uno|una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis|dieciseis"
        " diecisiete dieciocho diecinueve veinte veintiuno|veintiún|veintiuna veintidós|veintidos veintitrés|veintitres"
        " veinticuatro veinticinco veintiséis|veintiseis veintisiete veintiocho veintinueve"
    ),
    "pt": (
        "zero um|uma dois|duas três|tres quatro cinco seis sete oito nove dez onze doze treze catorze|quatorze quinze"
        " dezesseis|dezasseis dezessete|dezassete dezoito dezenove|dezanove"
    ),
    "ru": (
        "ноль|нуль один|одна|одно два|две|двух три|трёх|трех четыре|четырёх|четырех пять|пяти шесть|шести семь|семи"
        " восемь|восьми девять|девяти десять|десяти одиннадцать|одиннадцати двенадцать|двенадцати тринадцать четырнадцать"
        " пятнадцать шестнадцать семнадцать восемнадцать девятнадцать"
    ),
    "ar": (
        "صفر واحد|واحدة اثنان|اثنين|اثنتان|اثنتين ثلاثة|ثلاث أربعة|أربع|اربعة خمسة|خمس ستة|ست سبعة|سبع ثمانية|ثماني"
        " تسعة|تسع عشرة|عشر"
    ),
    "it": (
        "zero un|uno|una due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici"
        " diciassette diciotto diciannove"
    ),
    "nl": (
        "nul één|een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien"
        " achttien negentien"
    ),
    "pl": (
        "zero jeden|jedna|jedno dwa|dwie|dwóch|dwoje trzy|trzech cztery|czterech pięć|pięciu sześć|sześciu siedem|siedmiu"
        " osiem|ośmiu dziewięć|dziewięciu dziesięć|dziesięciu jedenaście|jedenastu dwanaście|dwunastu trzynaście|trzynastu"
        " czternaście|czternastu piętnaście|piętnastu szesnaście|szesnastu siedemnaście|siedemnastu osiemnaście|osiemnastu"
        " dziewiętnaście|dziewiętnastu"
    ),
    "ro": (
        "zero unu|una doi|două trei patru cinci șase|şase șapte|şapte opt nouă zece unsprezece doisprezece|douăsprezece"
        " treisprezece paisprezece cincisprezece șaisprezece|şaisprezece șaptesprezece|şaptesprezece optsprezece"
        " nouăsprezece"
    ),
    "tr": "sıfır bir iki üç dört beş altı yedi sekiz dokuz on",
    "vi": "không một|mốt hai ba bốn|tư năm|lăm sáu bảy|bẩy tám chín mười",
    "el": (
        "μηδέν ένα|ένας|μία|μια δύο|δυο τρία|τρεις|τρεις τέσσερα|τέσσερις πέντε έξι επτά|εφτά οκτώ|οχτώ εννέα|εννιά δέκα"
        " έντεκα δώδεκα δεκατρία|δεκατρείς δεκατέσσερα|δεκατέσσερις δεκαπέντε δεκαέξι|δεκάξι δεκαεπτά|δεκαεφτά"
        " δεκαοκτώ|δεκαοχτώ δεκαεννέα|δεκαεννιά"
    ),
    "hi": (
        "शून्य एक दो तीन चार पाँच|पांच छह|छः|छ: सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह|पन्द्रह सोलह सत्रह अठारह उन्नीस बीस"
        " इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस|अठाईस उनतीस तीस"
    ),
    "ko": "영 하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열",
    "zh": "零|〇 一 二|两|兩 三 四 五 六 七 八 九 十 十一 十二",
}


def number_words(language: str) -> Mapping[str, int]:
    """Spelled-out numbers of a language -> their value; empty for a language without a list."""
    words = NUMBER_WORDS.get(language)
    if words is None:
        return {}
    return {word.casefold(): value for value, forms in enumerate(words.split()) for word in forms.split("|")}


def currency_of(written: str, language: str) -> str | None:
    """The ISO code of a currency's symbol, name or code; as written where several countries use it; None if none."""
    word = written.strip()
    for form in (word, word.rstrip("."), word.casefold().rstrip(".")):
        if form in ISO_CODES:
            return form
        if form in CURRENCIES:
            return CURRENCIES[form]
        if form in ("¥", "yen") and language in ("zh", "ja"):
            return "CNY" if language == "zh" else "JPY"
        if form in OPEN_CURRENCIES:
            return form
    return None


def magnitude_of(written: str, language: str) -> Decimal | None:
    """The factor that a word such as `million`, `Mio.` or `万` stands for; None if it is none."""
    word = unicodedata.normalize("NFC", written.casefold().rstrip("."))
    if factor := magnitude_words(language).get(word):
        return Decimal(factor)
    if word in ALWAYS_LONG or (word in LONG_SCALE and language in LONG_SCALE_LANGUAGES):
        return LONG_SCALE[word]
    return MAGNITUDES.get(word)


_PER = re.compile(r"/|\b(?:per|pro|par|por|je|на)\b|每|لكل")
_LETTERS = {"k": THOUSAND, "m": MILLION, "b": MILLIARD}
_WORDS_AND_SIGNS = re.compile(rf"[{CURRENCY_SIGNS}]|[^\W\d_]+")
_CJK_MAGNITUDE = re.compile(r"[十百千]?[万萬亿億兆만억조]|[백천]?[만억]|[千천]")
# A magnitude by one letter: only after digits (5m, 1.2k), where money is spoken of.
_LETTER_AFTER = re.compile(r"\d\s?(?:[kKmMbB]|Md)(?![^\W_])")


def magnitude_in(unit: str, language: str) -> Decimal:
    """The factor in which a unit counts: 1,000,000 of `million EUR`, `EUR m`, `M€`; 1 of `EUR`, `m`, `cases per million`."""
    words = _WORDS_AND_SIGNS.findall(_PER.split(unit, maxsplit=1)[0])
    is_money = any(currency_of(word, language) for word in words)
    factor = Decimal(1)
    for word in words:
        if word in SCALED_CURRENCIES:
            factor *= SCALED_CURRENCIES[word][0]
        elif is_money and word.casefold() in _LETTERS:
            factor *= _LETTERS[word.casefold()]
        elif cjk := _CJK_MAGNITUDE.match(word):
            factor *= magnitude_of(cjk[0], language) or 1
        else:
            factor *= magnitude_of(word, language) or 1
    return factor


def holds_magnitude(text: str, language: str) -> bool:
    """Whether a number in this text is written with its magnitude: 1.2 million, 3億, $5m, 500 TEUR."""
    return bool(_LETTER_AFTER.search(text)) or any(
        word in SCALED_CURRENCIES or magnitude_in(word, language) != 1 for word in _WORDS_AND_SIGNS.findall(text)
    )
