"""Finds what stands on a letterhead without a label: the company's name and its address. Labelled ones are found in `rules`."""

import re
from collections.abc import Sequence

from coderai_pipeline.domain.documents import Span
from coderai_pipeline.domain.values.digits import ascii_digits
from coderai_pipeline.domain.values.locations import country_code
from coderai_pipeline.extractors.rules_layout import Line, Sheet, stripped
from coderai_pipeline.extractors.rules_values import Found

_HEAD_LINES = 14
_LEGAL_FORM = re.compile(
    r"(?<!\w)(?:s\.?(?:a|a\.?b|a\.?p\.?i|de r\.?l)\.? de c\.?v|sdn\.?(?:\s*bhd)?|s/b|berhad|bhd|pte\.?\s*ltd|pty\.?\s*ltd|pvt\.?\s*ltd|co\.?,?\s*ltd|ltd|limited|llc|llp|plc|inc|incorporated|corp|corporation"
    r"|gmbh\s*&\s*co\.?\s*kg|gmbh|mbh|ohg|kg|ag|e\.\s?k|e\.\s?v|ug|kgaa|s\.?a\.?r\.?l|s\.?a\.?s|sàrl|eurl|s\.a|s\.?\s?l\.?\s?u|s\.l|s\.?r\.?l|s\.?p\.?a|b\.?v|n\.?v|oy|a/s|aps|ab"
    r"|ltda|sp\. ?z o\.? ?o|a\.?ş|ltd\.? şti|s\.r\.o|kft|d\.o\.o|eireli|m\.?e(?= ?-)|tnhh|ε\.?π\.?ε|α\.ε|enterprises?|ооо|зао|оао|пао|ао|ип|شركة|ذ\.م\.م|ش\.م\.م)(?!\w)\.?|有限公司|股份公司|有限责任公司|株式会社|有限会社|合同会社|주식회사|\(주\)|公司|จำกัด",
    re.IGNORECASE,
)
_FORM_PARTS = re.compile(r"\b(?:co|company|m|malaysia|holdings?|group)\b|[&.,()]", re.IGNORECASE)
_HEAD_OF_FORM = re.compile(
    r"(?:ооо|зао|оао|пао|ао|ип|شركة|株式会社|有限会社|合同会社|주식회사|tnhh)(?!\w)|(?:株|有|合同)[式限]?会社|주식회사",
    re.IGNORECASE,
)
_REGISTRATION = re.compile(
    r"\s+(?:store|shop|branch|outlet)?\s*#\s*\d+.*$|[,;]\s*(?:инн|огрн|vat|ust|cif|nif|cnpj|rfc|cuit|p\.?\s?iva|partita iva|siret|tax|abn|gstin)\b.*$"
    r"|\s*[(\[]?\s*(?:(?:co\.?\s*)?reg(?:istration)?\.?(?:\s*no\.?)?|company\s*no\.?|roc|co\.?\s*no\.?|hrb|inn|инн)\b.*$"
    r"|\s*[(\[][^)\]]*\d[^)\]]*[)\]]?\s*$|\s+\d{5,}\s*-?\s*[A-Z]?\s*$",
    re.IGNORECASE,
)
_NOT_A_NAME = re.compile(
    r"(?:^|\b)(?:tax\s+invoice|invoice|receipt|cash\s*(?:bill|sales?)|bill|tel\b|phone|fax|e-?mail|www\.|https?:|gst|vat|sst|reg|date|time|table|order|page"
    r"|welcome|thank|copy|original|duplicate|customer|quittung|rechnung|beleg|kassenbon|facture|reçu|ticket|factura|recibo|счет|чек|квитанция|فاتورة|إيصال|发票|普通发票|收据|小票"
    r"|minutes|delivery note|quotation|estimate|statement|certificate|guest check|expense|donation|rent receipt|nota fiscal|cupom|documento|fattura|scontrino"
    r"|ricevuta|bon fiscal|paragon|faktura|fiş|makbuz|fatura|απόδειξη|τιμολόγιο|ใบเสร็จ|ใบกำกับ|hóa đơn|biên lai|영수증|세금계산서|領収書|請求書|納品書|見積書|レシート|增值税|मूल्य|बिल|रसीद"
    r"|kassenzettel|lieferschein|bon de livraison|devis|albarán|recibo|накладная|акт)",
    re.IGNORECASE,
)
_RECIPIENT = re.compile(
    r"^\W*(?:bill(?:ed)?\s*to|ship\s*to|sold\s*to|to|attn|attention|customer|client|deliver\s*to|an|kunde|empfänger|rechnung\s*an|lieferadresse|client|destinataire"
    r"|facturé\s*à|cliente|tomador|buyer|purchaser|consignee|received\s*from|passenger|donor|employee|tenant|müşteri|alıcı|klient|nabywca|klant|πελάτης|ลูกค้า|khách\s*hàng|구매자|공급받는\s*자|العميل|المشتري|购买方名称|购货单位|покупатель|заказчик|客户|买方|购买方)\W*(?:$|[:：])|御中\s*$|様\s*$",
    re.IGNORECASE,
)


def company(sheet: Sheet) -> tuple[Found, float] | None:
    """The issuer's name on the letterhead and how sure that is: by its legal form, else the first line that can be a name."""
    head = _letterhead(sheet)
    for position, line in enumerate(head):
        text = sheet.text[line.start : line.end]
        if _has_legal_form(text) and not _PRICE.search(text):
            found = _name(sheet, _with_form_alone(sheet, head, position), _end_of_bracket(sheet, head, position))
            if found is not None:
                return found, 0.75 if position < 4 else 0.6
    if not _ISSUED.search(ascii_digits(sheet.span.of(sheet.text))):
        return None
    return _by_position(sheet, head[:5])


def _by_position(sheet: Sheet, head: Sequence[Line]) -> tuple[Found, float] | None:
    """The first line that can be a name; one in small letters, a scribble as a rule, only where no other can."""
    possible = [
        (position, line) for position, line in enumerate(head) if _can_be_name(sheet.text[line.start : line.end])
    ]
    possible.sort(key=lambda each: sheet.text[each[1].start : each[1].end].islower())
    for position, line in possible:
        found = _name(sheet, line.start, line.end)
        if found is not None:
            return found, 0.5 if position == 0 else 0.4
    return None


def _can_be_name(text: str) -> bool:
    letters = sum(char.isalpha() for char in text)
    enough = letters >= 3 and letters * 2 > len(text.replace(" ", ""))
    others = _NOT_A_NAME.search(text) or _is_street(text) or _LABELLED.match(text) or _PRICE.search(text)
    return enough and not others


_LABELLED = re.compile(r"[^\W\d_][^\d:：()]{0,24}[:：]\s?\S")


# An item of a receipt has a price; a text without prices, telephone or tax number is no receipt at all.
_PRICE = re.compile(r"\d[.,]\d\d(?!\d)")
_ISSUED = re.compile(
    r"[$€£¥₹₩]\s?\d|\d\s?[$€£¥₹₩円元원]|\b(?:tel|phone|fax|vat|gst|tax|invoice|receipt|bill)\b|\d[.,]\d\d(?!\d)[\s\S]*\d[.,]\d\d(?!\d)"
    r"|\d{1,3}[.,]\d{3}(?!\d)[\s\S]*\d{1,3}[.,]\d{3}(?!\d)",
    re.IGNORECASE,
)


def _has_legal_form(text: str) -> bool:
    """Whether a legal form opens the line or closes a name: an `inc.` followed by more words is a word like any other."""
    for form in _LEGAL_FORM.finditer(text):
        closes = not re.match(r"[\s&]*[^\W\d_]{2,}", text[form.end() :])
        if (closes or _HEAD_OF_FORM.match(form[0])) and not _is_street(text[: form.start()]):
            return True
    return False


def _letterhead(sheet: Sheet) -> list[Line]:
    """The first lines, without those that name the recipient."""
    kept: list[Line] = []
    skip = 0
    for line in sheet.lines[:_HEAD_LINES]:
        recipient = _RECIPIENT.search(sheet.text[line.start : line.end])
        if recipient:
            skip = 4 if recipient.end() >= line.end - line.start else 2
        skip -= skip > 0
        if not skip:
            kept.append(line)
    return kept


def _with_form_alone(sheet: Sheet, head: Sequence[Line], position: int) -> int:
    """Where the name begins: on the line before, where this one holds only the legal form or the end of a bracket."""
    line = head[position]
    text = sheet.text[line.start : line.end]
    form = _LEGAL_FORM.search(text)
    rest = _FORM_PARTS.sub("", text[: form.start()] if form and not _HEAD_OF_FORM.match(form[0]) else text)
    alone = sum(char.isalpha() for char in rest) < 2
    broken = text.count(")") > text.count("(")
    return head[position - 1].start if (alone or broken) and position > 0 else line.start


_HALF_A_FORM = re.compile(r"\b(?:sdn|pte|pty|pvt|co)\.?$", re.IGNORECASE)
_OTHER_HALF = re.compile(r"(?:bhd|ltd|limited)\b\.?", re.IGNORECASE)


def _end_of_bracket(sheet: Sheet, head: Sequence[Line], position: int) -> int:
    """Where the name ends: on the next line, where a bracket or legal form that this one opens is closed there."""
    line = head[position]
    text = sheet.text[line.start : line.end]
    if _HALF_A_FORM.search(text) and position + 1 < len(head):
        following = head[position + 1]
        if half := _OTHER_HALF.match(sheet.text, following.start, following.end):
            return half.end()
    if text.count("(") > text.count(")") and position + 1 < len(head):
        following = head[position + 1]
        if ")" in sheet.text[following.start : following.end]:
            return following.end
    return line.end


def without_registration(sheet: Sheet, found: Found) -> Found:
    """A labelled name without the number it is registered under."""
    return _name(sheet, found.span.start, found.span.end) or found


def is_of_recipient(sheet: Sheet, line: Line) -> bool:
    """Whether a line belongs to a block that names the recipient on one of the three lines above it."""
    above = sheet.lines[max(0, line.index - 3) : line.index]
    return any(_RECIPIENT.search(sheet.text[each.start : each.end]) for each in above)


def _name(sheet: Sheet, start: int, end: int) -> Found | None:
    text = sheet.text[start:end]
    prefix = re.match(r"[^:()\n]{1,24}:\s+(?=\S)", text)
    if prefix:
        start, text = start + prefix.end(), text[prefix.end() :]
    cut = _REGISTRATION.search(text)
    if cut and cut.start() > 2:
        end = start + cut.start()
    end = min(end, start + _end_of_form(sheet.text[start:end]))
    span = stripped(sheet.text, Span(start, end), ",;:|*#=-_")
    written = " ".join(span.of(sheet.text).split())
    return Found(written, span) if sum(char.isalpha() for char in written) >= 2 else None


def _end_of_form(text: str) -> int:
    """Where the last legal form ends that closes the name: what follows is a number, a bracket or another part."""
    ends = [form.end() for form in _LEGAL_FORM.finditer(text) if not _HEAD_OF_FORM.match(form[0])]
    if ends and _AFTER_NAME.match(text, ends[-1]):
        return ends[-1]
    return len(text)


_AFTER_NAME = re.compile(r"\s*[,(:;|]|\s+[-–·•]\s|\s+(?:[A-Z]{1,2}-?)?\d{4,}")
_STREET = re.compile(
    r"(?<!\w)(?:jalan|jln|jl|ptd|lorong|lrg|persiaran|lebuh(?:raya)?|taman|kampung|kg|street|st(?!\s?#)|road|rd|avenue|ave|bd|lane|ln|drive|dr|boulevard|blvd|highway|hwy|way|estate|square|sq|court"
    r"|parkway|pkwy|terrace|close|crescent|quay|plaza|place|rue|avenue|av|allée|chemin|impasse|quai|route|zac|z\.?i|calle|c/|avenida|avda|paseo|carrera|via|viale|piazza|corso|viale|largo|polígono|polig|parque|rua|praça|alameda|ul|aleja|pl|str|strada|bulevardul|calea|cad|caddesi|sok|sokak|bulvarı|mah|mahallesi|οδός|οδος|λεωφόρος|λεωφ|ถนน|ซอย|phố|đường|ngõ|p\.?\s?o\.?\s?box|postfach"
    r"|ул|улица|проспект|пр|пер|переулок|шоссе|наб|площадь|г|شارع|طريق|حي|ميدان)(?!\w)"
    r"|\w{2,}(?:straße|strasse|str\.|weg|platz|allee|gasse|ufer|damm|ring|steig|markt|quai|hof|laan|straat|gracht|plein|markt|gatan|vägen|vej|gade)(?!\w)|(?<!\w)(?:am|an der|auf dem|im)\s+\w+\s+\d+"
    r"|[路街巷弄]|大道|\d+\s?[号號]|大厦|丁目|番地|ถนน|ซอย|[가-힣]+[로길]\s?\d|[가-힣]{2,}[구군]\s",
    re.IGNORECASE,
)
_UNIT_WORD = re.compile(
    r"(?<!\w)(?:no|lot|level|unit|suite|floor|flr|block|blk|bldg|building|wisma|menara|apt|apartment|ground|g/f|\d+(?:st|nd|rd|th)|plot|shop|batu|bandar|kawasan|mall|complex|kompleks|bangunan|darul|centre"
    r"|center|haus|hof|étage|bât|piso|planta|дом|д|кв|офис|стр|корп|этаж|مبنى|طابق)(?!\w)|[室楼樓层層区區市省县縣都府]|แขวง|เขต|ตำบล|อำเภอ|[가-힣]{2,}(?:특별시|광역시|구|동|층|호)",
    re.IGNORECASE,
)
_POSTCODE = re.compile(
    r"(?<![\d-])\d{4}-\d{3}\s+[^\W\d]|[^\W\d]{3,},\s*[A-Z]{2}(?=\s*(?:\(|$))|(?<![\d.-])\d{2}-\d{3}\s+[^\W\d]|\b\d{5}-\d{3}\b|\bC\.?\s?P\.?:?\s?\d{5}\b|[^\W\d]{3,}\s?[-–]\s?\d{3}\s?\d{3}(?=\s*(?:[.,]|$))|〒\s?\d{3}|\b[A-Z]{2,3}\s+\d{4}\s*$|(?<!\d)\d{4}\s?[A-Z]{2}\s+[A-Z]|(?<![\d-])\d{5}(?:-\d{4})?(?![\d/-])[,.]?\s*[^\W\d]|(?<![\d./-])\d{4}\s+[A-ZÄÖÜ][^\W\d]{2,}|\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b"
    r"|,\s*[A-Z]{2}\s+\d{5}\b|[^\W\d]{3,}[ ,]+\d{5,6}(?=[.,]?(?:\s*[^\W\d]+)?\.?\s*$)|(?<!\d)\d{6}(?!\d)\s*[^\W\d]|(?:^|,\s*)\d{6},|\b[A-Z]\d[A-Z]\s?\d[A-Z]\d\b"
)
_STOP = re.compile(
    r"\b(?:tel|phone|fax|e-?mail|www|https?|gst|vat|sst|ust|tax|invoice|receipt|date|time|reg|cashier|hotline|mobile|hp|roc|inn|siret|cif|nif|steuer\w*|rechnung|datum|тел|инн|bill|table|"
    r"co\s*no|company\s*no|outlet|branch\s*no|email|cash|order|document|doc|facture|factura|account|bank|iban|brn?\s*no|id|rfc|cnpj|cpf|cuit|nit|p\.?\s?iva|partita|data|fecha|tarih|saat|vergi|mst|btw|nip|regon|abn|uen|gstin|chk|table|pax|bon|kasse|ticket|store|te|op|tr)\b|#.*#|\d{6,}-[A-Z]\b|@|电话|税号|发票|番号|日付|請求日|電話|사업자|대표|전화|โทร|เลขประจำตัว",
    re.IGNORECASE,
)
_MOST_LINES = 7


def _has_postcode(text: str) -> bool:
    """Whether a line holds a postcode: a number with the name of a street after it is a house's, `4500 Lake Street`."""
    for code in _POSTCODE.finditer(text):
        part = re.split(r"[,;]", text[code.start() :], maxsplit=1)[0]
        if not (code[0][0].isdigit() and _STREET.search(part)):
            return True
    return False


def _is_street(text: str) -> bool:
    return bool(re.search(r"\d", text) and (_STREET.search(text) or _POSTCODE.search(text)))


def address(sheet: Sheet, from_line: int = 0, within: int = 30) -> tuple[Found, float] | None:
    """The first run of lines that reads like an address, and how sure that is: surer with street and postcode both."""
    lines = sheet.lines[from_line : from_line + within]
    if from_line == 0 and (found := _on_senders_line(sheet)):
        return found, 0.7
    for position, line in enumerate(lines):
        if _weight(sheet, line) >= 2:
            first = position
            while first > 0 and _opens(sheet, lines[first - 1], lines[first]):
                first -= 1
            return _address_from(sheet, lines[first:])
    return None


_BETWEEN_PARTS = re.compile(r"\s+[·•|]\s+")


def _on_senders_line(sheet: Sheet) -> Found | None:
    """`Acme GmbH · Am Bahnhof 7 · 36037 Fulda`: what follows the name on the one line that names the sender."""
    for line in sheet.lines[:_HEAD_LINES]:
        parts = list(_BETWEEN_PARTS.finditer(sheet.text, line.start, line.end))
        if len(parts) >= 2 and _has_postcode(sheet.text[parts[-1].end() : line.end]):
            span = Span(parts[-2].end(), line.end)
            return Found(evened(span.of(sheet.text)), span)
    return None


def _weight(sheet: Sheet, line: Line) -> int:
    """How much a line reads like part of an address: 0 not at all, 2 surely."""
    text = sheet.text[line.start : line.end]
    if _STOP.search(text) or _LEGAL_FORM.search(text):
        return 0
    digits = bool(re.search(r"\d", text))
    street, unit = bool(_STREET.search(text)), bool(_UNIT_WORD.search(text))
    if len(_STREET.findall(text)) > 1 or _has_postcode(text) or (street and digits) or (street and text.endswith(",")):
        return 2
    return 2 if unit and digits and not text.rstrip().endswith(")") else int(street or unit or text.endswith(","))


def _opens(sheet: Sheet, line: Line, following: Line) -> bool:
    """Whether an address begins on this line already: with a comma at its end, or a street or house above a postcode."""
    text, below = sheet.text[line.start : line.end], sheet.text[following.start : following.end]
    if text.endswith(",") and _weight(sheet, line) >= 1:
        return True
    if "," in text and _UNIT_WORD.search(text) and _weight(sheet, line) >= 1 and _HOUSE.fullmatch(below):
        return True
    if not _has_postcode(below) or (_STREET.search(below) and re.search(r"\d", below)) or _STOP.search(text):
        return False
    return bool(_STREET.search(text) or _HOUSE.fullmatch(text)) and not _LEGAL_FORM.search(text)


# A name with a number of up to four digits after it, as houses have.
_HOUSE = re.compile(r"[^\W\d][^\d:#]{2,40}\s\d{1,4}\s?[a-zA-Z]?,?")


def _address_from(sheet: Sheet, lines: Sequence[Line]) -> tuple[Found, float]:
    last = lines[0]
    street = postcode = False
    for position, line in enumerate(lines[:_MOST_LINES]):
        text = sheet.text[line.start : line.end]
        before = sheet.text[last.start : last.end]
        if position and not (_weight(sheet, line) or _continues(sheet, lines, position, postcode)):
            break
        if position and postcode and not _goes_on(text, before):
            break
        last = line
        street = street or bool(_STREET.search(text))
        postcode = postcode or _has_postcode(text)
    span = stripped(sheet.text, Span(lines[0].start, last.end), ",;|")
    written = evened(span.of(sheet.text))
    return Found(written, span), 0.7 if street and postcode else 0.5


def evened(address: str) -> str:
    """On one line, without spaces before commas and a telephone number after it."""
    return re.sub(r"\s+,", ",", _TELEPHONE.sub("", " ".join(address.split())))


_TELEPHONE = re.compile(r"[,;]?\s+(?:\(\d{3}\)\s?|0?\d{2,4}-)\d{3,4}-?\d{3,5}$")


def _continues(sheet: Sheet, lines: Sequence[Line], position: int, postcode: bool) -> bool:
    """Whether a line without marks of its own is still address: after a comma, a region, or on the way to a postcode."""
    line = lines[position]
    text, before = sheet.text[line.start : line.end], sheet.text[lines[position - 1].start : lines[position - 1].end]
    if _STOP.search(text) or _LEGAL_FORM.search(text):
        return False
    if before.endswith(","):
        return True
    if postcode:
        return _is_region(text, before)
    ahead = [sheet.text[each.start : each.end] for each in lines[position : position + 3]]
    reach = next((at for at, each in enumerate(ahead) if _has_postcode(each)), None)
    return reach is not None and not any(_STOP.search(each) for each in ahead[: reach + 1])


def _goes_on(text: str, before: str) -> bool:
    """Whether an address goes on after its postcode: with a region, or because a comma says so, but not after its country."""
    if country_code(before.rpartition(",")[2].strip(" .")) is not None:
        return False
    return before.endswith(",") or _is_region(text, before)


def _is_region(text: str, before: str) -> bool:
    if before.endswith(".") or _STOP.search(text) or _NOT_A_NAME.search(text):
        return False
    words = text.strip(" .,").split()
    return 1 <= len(words) <= 3 and all(re.sub(r"[-.,'’]", "", word).isalpha() for word in words) and len(text) <= 30
