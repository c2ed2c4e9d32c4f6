"""A quote that is spelt nearly like a passage is found there only if it says the same: rules for several scripts."""

import unicodedata

import pytest

from coderai_pipeline.domain.grounding import ground
from coderai_pipeline.domain.likeness import says_the_same
from coderai_pipeline.domain.normalised_text import NormalisedText, normalised


@pytest.mark.parametrize(
    ("quote", "passage"),
    [
        ("the minster said that talks would resume", "the minister said that talks would resume"),
        ("the minister said talks would resume", "the minister said that talks would resume"),
        ("a minister said that talks would resume", "the minister said that talks would resume"),
        ("the minister said that talks would res", "the minister said that talks would resume"),
        ("मतरी सरश वरमा", "मंत्री सुरेश वर्मा"),
        ("der Verkehrs minister", "der Verkehrsminister"),
    ],
)
def test_spelling_small_words_and_what_is_left_out_do_not_matter(quote: str, passage: str) -> None:
    assert says_the_same(normalised(quote), normalised(passage))


@pytest.mark.parametrize(
    ("quote", "passage"),
    [
        ("the minister, Gerald Ashcroft, told reporters", "the minister, Harold Whitcombe, told reporters"),
        ("somebody was hurt in the square", "nobody was hurt in the square"),
        ("the contract was legal at that time", "the contract was illegal at that time"),
        ("the meeting took place in May", "the meeting took place in March"),
        ("six people took part in it", "sixty people took part in it"),
        ("hiç kimse yaralandı", "hiç kimse yaralanmadı"),
        ("부상자가 있었다고 경찰은 말했다", "부상자는 없었다고 경찰은 말했다"),
        ("17 लोग घायल हुए थे", "17 लोग घायल नहीं हुए थे"),
        ("και τραυματίστηκε", "και δεν τραυματίστηκε"),
        ("田中浩二大臣は記者団に述べた", "鈴木健一大臣は記者団に述べた"),
        ("ผู้ชุมนุมได้รับบาดเจ็บ", "ผู้ชุมนุมไม่ได้รับบาดเจ็บ"),
        ("có người bị thương", "không có ai bị thương"),
        ("Ο υπουργός Νίκος Ιωάννου", "Ο υπουργός Γιώργος Παπαδάκης"),
    ],
)
def test_another_name_number_or_denial_is_another_statement(quote: str, passage: str) -> None:
    assert not says_the_same(normalised(quote), normalised(passage))


@pytest.mark.parametrize(
    ("document", "quote"),
    [
        (unicodedata.normalize("NFD", "경찰에 따르면 부상자는 없었다"), "부상자는 없었다"),  # syllables in parts
        ("경찰에 따르면 부상자는 없었다", unicodedata.normalize("NFD", "부상자는 없었다")),
        ("県内の学校とデモ", "ﾃﾞﾓ"),  # half width, the mark apart
        ("Bakan IŞIL İNANIR konuştu", "Işıl İnanır"),  # dotless and dotted i
        ("Ο ΓΙΩΡΓΟΣ ΠΑΠΑΔΑΚΗΣ μίλησε", "Γιώργος Παπαδάκης"),  # final sigma
        ("Bộ trưởng Nguyễn Văn Đức nói", "Nguyen Van Duc"),
        ("قال الوزير الإدريسي", "الـوزير الادريسي"),  # tatweel, hamza
        ("אמר הַשַּׂר בַּרְזִילַי", "השר ברזילי"),  # points
        ("บ้านเลขที่ ๑๒ ถนนสุขุมวิท", "บ้านเลขที่ 12"),
    ],
)
def test_ways_of_writing_the_same_letters_are_one(document: str, quote: str) -> None:
    evidence = ground(quote, NormalisedText.of(document))
    assert evidence.grounding == "normalised"
    assert evidence.start is not None


def test_a_few_words_left_out_may_not_be_the_denial() -> None:
    text = NormalisedText.of("The police said that the driver was not seriously hurt in the accident on Monday.")
    assert ground("the driver was seriously hurt in the accident", text).grounding == "absent"
    assert ground("the driver was not hurt in the accident", text).grounding == "fuzzy"


@pytest.mark.parametrize(
    ("quote", "document"),
    [
        ("inherent difficu1ty of the tesk", "the inherent difficulty of the task"),  # misread and misspelt
        ("inherent difficulty", "the inherent difficu1ty of it"),
        ("TOTAL 12.50 RM", "T0TAL l2.50 RM"),
        ("modern problems", "rnodern problerns"),
        ("وهذه نظريه التعقيد علي الشبكه", "وهذه نظرية التعقيد على الشبكة كلها"),
        ("Adolf Hitler&#39;s rise", "helping Adolf Hitler's rise to power"),
        ("the vote was held in May (p. 3)", "Then the vote was held in May and June."),
        ("the vote was held in May the vote was held in May", "Then the vote was held in May and June."),
    ],
)
def test_what_was_misread_or_added_is_still_found(quote: str, document: str) -> None:
    assert ground(quote, NormalisedText.of(document)).start is not None


@pytest.mark.parametrize(
    ("quote", "document"),
    [
        ("costs had decreased by 12 percent", "costs had increased by 12 percent"),
        ("work begins in the southern district", "work begins in the northern district"),
        ("ein Haushalt von 4,5 Milliarden Euro", "ein Haushalt von 4,5 Millionen Euro"),
        ("自2019年以来成本下降了12%", "自2019年以来成本上升了12%"),
        ("工程将从南区开始，两年后结束", "工程将从北区开始，兩年后结束"),
        ("在第5卷中发表了阐述其思想的版本", "在第2卷中发表了阐述其思想的版本"),
        ("section5 of the law is repealed", "section 2 of the law is repealed"),
        ("Fatima Khan voted against the plan", "Fatima Khan spoke in favour; Peter Olsen voted against the plan"),
    ],
)
def test_a_word_that_begins_otherwise_another_sign_or_clause_is_another_statement(quote: str, document: str) -> None:
    assert ground(quote, NormalisedText.of(document)).grounding == "absent"


def test_a_numero_sign_in_what_is_left_out_denies_nothing() -> None:
    text = NormalisedText.of("Расходы выросли на 12\nГазета № 12, стр. 4\nпроцентов с 2019 года.")
    assert ground("Расходы выросли на 12 процентов с 2019 года", text).grounding == "fuzzy"
