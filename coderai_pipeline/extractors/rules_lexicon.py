"""What forms of all kinds state, and the usual labels of each in some thirty languages. How labels are found is in `rules_labels`."""

from collections.abc import Mapping
from enum import StrEnum


class Notion(StrEnum):
    """A thing that forms of all kinds state, known by its usual labels."""

    TOTAL = "total"
    DATE = "date"
    NUMBER = "document number"
    DUE = "date of payment"
    TAX_ID = "tax number"
    CURRENCY = "currency"
    COMPANY = "company"
    ADDRESS = "address"


LABELS: Mapping[Notion, str] = {
    Notion.TOTAL: (
        "total; grand total; total amount; amount due; total due; balance due; amount payable; total payable; net total;"
        " nett total; total to pay; total amount due; invoice total; total price; sum; gesamtbetrag; gesamtsumme; rechnungsbetrag; summe; gesamt; endbetrag; zu zahlen;"
        " zahlbetrag; bruttobetrag; total ttc; montant total; total à payer; net à payer; montant dû; somme due; importe total; total a pagar;"
        " monto total; total general; итого; итог; всего; итого к оплате; к оплате; сумма; всего к оплате; الإجمالي; المجموع; المبلغ الإجمالي; إجمالي;"
        " المجموع الكلي; المبلغ المستحق; 合计; 总计; 总额; 总金额; 应付金额; 合計; 總計; 金额合计; 价税合计; ご請求金額; 請求金額; お買上げ計;"
        " totale; totale complessivo; totale fattura; importo totale; totaal; totaalbedrag; te betalen; valor total; total geral; suma; razem;"
        " do zapłaty; toplam; genel toplam; ödenecek tutar; σύνολο; πληρωτέο; รวมทั้งสิ้น; ยอดรวม; รวม; tổng cộng; tổng tiền; thành tiền; 합계; 총액;"
        " 결제금액; कुल; कुल राशि; jumlah; jumlah besar; amount claimed; sum of; the sum of; fee paid; total de plată"
    ),
    Notion.DATE: (
        "date; invoice date; bill date; receipt date; date of issue; issue date; issued on; dated; datum; rechnungsdatum; belegdatum;"
        " ausstellungsdatum; date de facture; date d'émission; fecha; fecha de emisión; fecha de factura; дата; дата выдачи;"
        " от; التاريخ; تاريخ; تاريخ الفاتورة; 日期; 开票日期; 發票日期; 日付; 請求日; 発行日; data; data fattura; data de emissão; data wystawienia;"
        " tarih; fatura tarihi; ημερομηνία; วันที่; ngày; 날짜; 일자; दिनांक; तारीख; tarikh; factuurdatum"
    ),
    Notion.NUMBER: (
        "invoice no; invoice number; invoice; receipt no; receipt number; bill no; document no; doc no; inv no; order no; reference no; ref no;"
        " rechnungsnummer; rechnungs nr; rechnung nr; belegnummer; beleg nr; aktenzeichen; facture n; numéro de facture; facture no;"
        " número de factura; factura n; factura no; номер; счет; счёт; счет no; رقم الفاتورة; رقم; 发票号码; 发票号; 编号; 单号;"
        " slip no; ticket no; número da nota; nota fiscal n; fattura n; fattura nr; numero fattura; documento n; nº de factura; n de factura; faktura nr;"
        " faktura vat nr; nr faktury; factuurnummer; factuur nr; factuurnr; fakturanummer; fakturanr; fatura no; fatura numarası; fiş no; belge no;"
        " 請求番号; 請求書番号; 領収書番号; 伝票番号; 發票號碼; счет на оплату; счет фактура; αριθμός τιμολογίου; เลขที่; เลขที่ใบกำกับภาษี; số hóa đơn; 송장번호; 청구서번호;"
        " číslo faktury; faktura č; laskun numero; számla sorszáma; factura nr; numărul facturii; nomor faktur; no faktur"
    ),
    Notion.DUE: (
        "due date; payment due; payment due date; due by; due on; pay by; payable by; payment date; fällig am; fälligkeit; fälligkeitsdatum; zahlbar bis; zahlbar bis zum;"
        " date d'échéance; échéance; date limite de paiement; à payer avant le; vencimiento; fecha de vencimiento; scadenza; data scadenza; data di scadenza; scadenza pagamento;"
        " vencimento; data de vencimento; termin płatności; vervaldatum; te betalen voor; vade tarihi; son ödeme tarihi; срок оплаты; оплатить до; تاريخ الاستحقاق; 到期日; 付款期限;"
        " お支払期限; 支払期限; お支払期日; 支払期日; 결제기한; 지급기한; 납기일; hạn thanh toán; ngày đến hạn; กำหนดชำระ; วันครบกำหนด; ημερομηνία λήξης; jatuh tempo;"
        " splatnost; datum splatnosti; förfallodatum; forfaldsdato; forfallsdato; eräpäivä; fizetési határidő; data scadenței; scadent la"
    ),
    Notion.TAX_ID: (
        "vat number; vat no; vat reg no; vat registration no; vat registration number; vat id; tax id; tax id no; tax no; tax number; tax registration number; gst no; gst id; gst id no;"
        " gst reg no; gst registration no; gstin; tin; ein; abn; ust idnr; ust id nr; ust id; uid nr; steuernummer; steuer nr; tva intracommunautaire; n tva; n tva intracommunautaire;"
        " no tva intracommunautaire; nif; cif; rfc; cuit; nit; ruc; rut; cnpj; p iva; partita iva; nip; btw nummer; btw nr; инн; vergi no; vergi numarası; αφμ; mst; mã số thuế; npwp;"
        " 纳税人识别号; 税号; 統一編號; 登録番号; 사업자등록번호; 사업자번호; الرقم الضريبي; رقم التسجيل الضريبي; dič; cui; adószám; momsnummer; cvr"
    ),
    Notion.CURRENCY: (
        "currency; invoice currency; währung; devise; monnaie; moneda; divisa; valuta; moeda; waluta; валюта; para birimi; العملة; 货币; 币种; 通貨; 통화; měna; νόμισμα; mata uang"
    ),
    Notion.COMPANY: (
        "company; company name; vendor; seller; supplier; merchant; store; issued by; firma; verkäufer; lieferant; aussteller; unternehmen;"
        " société; vendeur; fournisseur; entreprise; émetteur; empresa; vendedor; proveedor; emisor; razón social; компания; продавец;"
        " поставщик; организация; الشركة; البائع; المورد; 公司; 销售方; 销售方名称; 卖方; 商家; 公司名称; prestador; emitente; fornecedor; ditta; fornitore; cedente; azienda; leverancier; sprzedawca; firma;"
        " satıcı; şirket; πωλητής; επωνυμία; ผู้ขาย; บริษัท; người bán; đơn vị bán hàng; 상호; 판매자; 会社名; 発行者; विक्रेता; landlord; charity name;"
        " employer; furnizor"
    ),
    Notion.ADDRESS: (
        "address; street address; postal address; registered office; adresse; anschrift; sitz; domicile; siège social;"
        " dirección; domicilio; адрес; юридический адрес; العنوان; عنوان; 地址; 住址; 住所; 地址、电话; 地址 电话; 所在地; endereço; indirizzo; sede; adres; adresa; adresi; διεύθυνση; ที่อยู่;"
        " địa chỉ; 주소; पता; alamat"
    ),
}
OTHER_NAMES: Mapping[Notion, str] = {
    Notion.NUMBER: "invoice_number; receipt_number; document_number",
    Notion.COMPANY: "company_name; vendor_name; seller_name; merchant_name; store_name; shop; shop name; organisation; organization",
    Notion.TOTAL: "total_amount; amount_total; receipt total; total paid; amount paid",
    Notion.DATE: "transaction date; purchase date; date of purchase; date of receipt; document date",
    Notion.ADDRESS: "company address; vendor address; store address; merchant address",
}
ROLES = ("landlord", "employer", "charity name")
"""Labels of who issued a document that are no names for any issuer: a variable called `landlord` asks for no seller."""
TYPES: Mapping[Notion, tuple[str, ...]] = {
    Notion.TOTAL: ("number",),
    Notion.DATE: ("date",),
    Notion.DUE: ("date",),
    Notion.NUMBER: ("text",),
    Notion.TAX_ID: ("text",),
    Notion.CURRENCY: ("text", "category"),
    Notion.COMPANY: ("text",),
    Notion.ADDRESS: ("text", "location"),
}
"""The types of variables that can state it."""
