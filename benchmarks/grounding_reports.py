"""Reports in twelve languages, written for this benchmark, each with passages of it and what a reply might claim instead.

The first claim has another number, the second another name, the third denies otherwise.
"""

from collections.abc import Mapping

REPORTS: Mapping[str, str] = {
    "hi": (
        "हर्षवर्धन नदी के किनारे बसे पुराने शहर में 12 मार्च 2019 को किसानों ने बड़ा प्रदर्शन किया। पुलिस के "
        "अनुसार लगभग 4500 लोग इसमें शामिल हुए और 17 लोग घायल नहीं हुए थे। आयोजकों ने कहा कि सरकार ने उनकी माँ"
        "गें नहीं मानीं। मंत्री सुरेश वर्मा ने बाद में पत्रकारों से कहा कि बातचीत अगले सप्ताह फिर शुरू होगी। "
        "पूरे राज्य में विद्यालय और बाज़ार तीन दिनों तक बंद रहे।"
    ),
    "th": (
        "เมื่อวันที่ 12 มีนาคม 2562 ชาวนาหลายร้อยคนรวมตัวกันที่เมืองเก่าริมแม่น้ำเพื่อเรียกร้องราคาข้าวที่เป็"
        "นธรรม ตำรวจระบุว่ามีผู้เข้าร่วมประมาณ 4500 คน และไม่มีผู้ได้รับบาดเจ็บ นายสมชาย ใจดี ผู้ว่าราชการจัง"
        "หวัดกล่าวว่าการเจรจาจะเริ่มขึ้นอีกครั้งในสัปดาห์หน้า ผู้จัดงานกล่าวหารัฐบาลว่าเพิกเฉยต่อข้อเรียกร้อง"
        "ของพวกเขา โรงเรียนและตลาดทั่วทั้งจังหวัดปิดทำการเป็นเวลาสามวัน"
    ),
    "vi": (
        "Ngày 12 tháng 3 năm 2019, nông dân đã tổ chức một cuộc biểu tình lớn tại thành phố cổ bên bờ sông. T"
        "heo cảnh sát, khoảng 4500 người đã tham gia và không có ai bị thương. Bộ trưởng Nguyễn Văn Đức nói v"
        "ới các nhà báo rằng cuộc đàm phán sẽ được nối lại vào tuần tới. Ban tổ chức cáo buộc chính phủ phớt "
        "lờ các yêu cầu của họ. Trường học và chợ trên toàn tỉnh đóng cửa trong ba ngày."
    ),
    "tr": (
        "12 Mart 2019 tarihinde çiftçiler, nehir kıyısındaki eski şehirde büyük bir gösteri düzenledi. Polise"
        " göre gösteriye yaklaşık 4500 kişi katıldı ve hiç kimse yaralanmadı. Bakan Işıl İnanır gazetecilere "
        "görüşmelerin gelecek hafta yeniden başlayacağını söyledi. Düzenleyiciler, hükümeti taleplerini görme"
        "zden gelmekle suçladı. İl genelindeki okullar ve pazarlar üç gün boyunca kapalı kaldı."
    ),
    "el": (
        "Στις 12 Μαρτίου 2019 οι αγρότες οργάνωσαν μεγάλη διαδήλωση στην παλιά πόλη δίπλα στο ποτάμι. Σύμφωνα"
        " με την αστυνομία, περίπου 4500 άνθρωποι συμμετείχαν και κανείς δεν τραυματίστηκε. Ο υπουργός Γιώργο"
        "ς Παπαδάκης δήλωσε στους δημοσιογράφους ότι οι συνομιλίες θα ξαναρχίσουν την επόμενη εβδομάδα. Οι δι"
        "οργανωτές κατηγόρησαν την κυβέρνηση ότι αγνόησε τα αιτήματά τους. Τα σχολεία και οι αγορές σε όλο το"
        "ν νομό έμειναν κλειστά για τρεις ημέρες."
    ),
    "ro": (
        "La 12 martie 2019, fermierii au organizat o demonstrație amplă în orașul vechi de pe malul râului. P"
        "otrivit poliției, aproximativ 4500 de oameni au participat și nimeni nu a fost rănit. Ministrul Ștef"
        "an Țăranu le-a spus jurnaliștilor că discuțiile vor fi reluate săptămâna viitoare. Organizatorii au "
        "acuzat guvernul că le-a ignorat cererile. Școlile și piețele din întregul județ au rămas închise tim"
        "p de trei zile."
    ),
    "ja": (
        "2019年3月12日、川沿いの古い町で農民たちが大規模なデモを行った。警察によると、およそ4500人が参加し、負傷者は出なかった。鈴木健一大臣は記者団に対し、交渉は来週再開されると述べた。主催者は、政"
        "府が彼らの要求を無視したと非難した。県内の学校と市場は三日間にわたって閉鎖された。"
    ),
    "ko": (
        "2019년 3월 12일, 강변의 옛 도시에서 농민들이 대규모 시위를 벌였다. 경찰에 따르면 약 4500명이 참가했으며 부상자는 없었다. 김영수 장관은 기자들에게 협상이 다음 주에 "
        "재개될 것이라고 말했다. 주최 측은 정부가 그들의 요구를 무시했다고 비난했다. 도내 학교와 시장은 사흘 동안 문을 닫았다."
    ),
    "he": (
        "ב-12 במרץ 2019 ערכו החקלאים הפגנה גדולה בעיר העתיקה שעל גדת הנהר. לדברי המשטרה השתתפו בה כ-4500 איש "
        "ואיש לא נפצע. השר יעקב ברזילי אמר לעיתונאים כי השיחות יחודשו בשבוע הבא. המארגנים האשימו את הממשלה בה"
        "תעלמות מדרישותיהם. בתי הספר והשווקים ברחבי המחוז נותרו סגורים במשך שלושה ימים."
    ),
    "ar": (
        "في 12 مارس 2019 نظّم المزارعون مظاهرة كبيرة في المدينة القديمة على ضفة النهر. وقالت الشرطة إن نحو 45"
        "00 شخص شاركوا فيها ولم يُصب أحد بأذى. وأبلغ الوزير أحمد الإدريسي الصحفيين أن المحادثات ستُستأنف الأس"
        "بوع المقبل. واتهم المنظمون الحكومة بتجاهل مطالبهم. وظلت المدارس والأسواق في أنحاء المحافظة مغلقة لمد"
        "ة ثلاثة أيام."
    ),
    "de": (
        "Am 12. März 2019 hielten die Bauern in der alten Stadt am Fluss eine große Kundgebung ab. Nach Angab"
        "en der Polizei nahmen etwa 4500 Menschen teil, und niemand wurde verletzt. Ministerin Käthe Großmann"
        " sagte Journalisten, die Gespräche würden nächste Woche fortgesetzt. Die Veranstalter warfen der Reg"
        "ierung vor, ihre Forderungen zu übergehen. Schulen und Märkte im ganzen Land blieben drei Tage lang "
        "geschlossen."
    ),
    "en": (
        "On 12 March 2019 the farmers held a large rally in the old town by the river. According to the polic"
        "e, about 4500 people took part and nobody was hurt. The minister, Harold Whitcombe, told reporters t"
        "hat talks would resume next week. The organisers accused the government of ignoring their demands. S"
        "chools and markets across the county stayed closed for three days."
    ),
}
CLAIMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "hi": (
        ("लगभग 4500 लोग", "लगभग 5400 लोग"),
        ("मंत्री सुरेश वर्मा", "मंत्री रमेश शर्मा"),
        ("17 लोग घायल नहीं हुए थे", "17 लोग घायल हुए थे"),
    ),
    "th": (
        ("ประมาณ 4500 คน", "ประมาณ 5400 คน"),
        ("นายสมชาย ใจดี", "นายสมศักดิ์ มีสุข"),
        ("ไม่มีผู้ได้รับบาดเจ็บ", "มีผู้ได้รับบาดเจ็บ"),
    ),
    "vi": (
        ("khoảng 4500 người", "khoảng 5400 người"),
        ("Bộ trưởng Nguyễn Văn Đức", "Bộ trưởng Trần Quốc Bảo"),
        ("không có ai bị thương", "có người bị thương"),
    ),
    "tr": (
        ("yaklaşık 4500 kişi", "yaklaşık 5400 kişi"),
        ("Bakan Işıl İnanır", "Bakan Ayşe Korkmaz"),
        ("hiç kimse yaralanmadı", "birçok kimse yaralandı"),
    ),
    "el": (
        ("περίπου 4500 άνθρωποι", "περίπου 5400 άνθρωποι"),
        ("υπουργός Γιώργος Παπαδάκης", "υπουργός Νίκος Ιωάννου"),
        ("κανείς δεν τραυματίστηκε", "αρκετοί τραυματίστηκαν"),
    ),
    "ro": (
        ("aproximativ 4500 de oameni", "aproximativ 5400 de oameni"),
        ("Ministrul Ștefan Țăranu", "Ministrul Andrei Popescu"),
        ("nimeni nu a fost rănit", "cineva a fost rănit"),
    ),
    "ja": (
        ("およそ4500人", "およそ5400人"),
        ("鈴木健一大臣", "田中浩二大臣"),
        ("負傷者は出なかった", "負傷者が出た"),
    ),
    "ko": (
        ("약 4500명이 참가", "약 5400명이 참가"),
        ("김영수 장관", "박민호 장관"),
        ("부상자는 없었다", "부상자가 있었다"),
    ),
    "he": (
        ("כ-4500 איש", "כ-5400 איש"),
        ("השר יעקב ברזילי", "השר משה כהנוביץ"),
        ("ואיש לא נפצע", "ורבים נפצעו"),
    ),
    "ar": (
        ("نحو 4500 شخص", "نحو 5400 شخص"),
        ("الوزير أحمد الإدريسي", "الوزير خالد المنصوري"),
        ("ولم يُصب أحد بأذى", "وأصيب كثيرون بأذى"),
    ),
    "de": (
        ("etwa 4500 Menschen", "etwa 5400 Menschen"),
        ("Ministerin Käthe Großmann", "Ministerin Anna Schneider"),
        ("niemand wurde verletzt", "jemand wurde schwer verletzt"),
    ),
    "en": (
        ("about 4500 people", "about 5400 people"),
        ("Harold Whitcombe", "Gerald Ashcroft"),
        ("nobody was hurt", "somebody was hurt"),
    ),
}
