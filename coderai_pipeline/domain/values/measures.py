"""Units of one dimension and how many of one make another: kilometres and metres, tonnes and kilograms, hours and minutes.

Their signs and, in the languages the project promises, their names. Currencies are never converted, since their rates
change; words of magnitude (million) are in `number_words`.
"""

from collections.abc import Mapping
from fractions import Fraction

# Dimension -> size in its own unit -> how the unit is written, _ for a space. A size of 0: known, but not converted into any other.
_DIMENSIONS: Mapping[str, Mapping[str, str]] = {
    "length": {
        "1/1000000000": "nm",
        "1/1000000": "µm",
        "1/1000": "mm мм millimetre millimetres millimeter millimeters millimetern millimètre millimètres milímetro milímetros "
        "миллиметр миллиметра миллиметров 毫米",
        "1/100": "cm см centimetre centimetres centimeter centimeters zentimeter zentimetern centimètre centimètres centímetro "
        "centímetros сантиметр сантиметра сантиметров سنتيمتر 厘米",
        "1": "m м metre metres meter meters metern mètre mètres metro metros метр метра метров متر أمتار",
        "1000": "km км kilometre kilometres kilometer kilometers kilometern kilomètre kilomètres kilómetro kilómetros километр "
        "километра километров كيلومتر كيلومترات كلم 公里 千米",
        "127/5000": "in inch inches zoll pouce pouces pulgada pulgadas дюйм дюйма дюймов",
        "381/1250": "ft foot feet",
        "1143/1250": "yd yard yards",
        "201168/125": "mi mile miles meile meilen milla millas миля мили миль 英里",
    },
    "mass": {
        "1/1000000000": "µg",
        "1/1000000": "mg milligram milligrams milligramm milligramme milligrammes miligramo miligramos миллиграмм 毫克",
        "1/1000": "g г gram grams gramm gramme grammes gramo gramos грамм грамма граммов غرام جرام",
        "1": "kg кг kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo kilogramos килограмм килограмма "
        "килограммов كيلوغرام كيلوجرام كجم كغ 公斤 千克",
        "1000": "t т tonne tonnes tonnen tonelada toneladas тонна тонны тонн",
        "45359237/100000000": "lb lbs",
        "45359237/1600000000": "oz ounce ounces",
    },
    "mass in tons, short, long or metric": {"0": "ton tons"},
    "volume": {
        "1/1000": "ml mL мл cm³ cm3 millilitre millilitres milliliter milliliters millilitern mililitro mililitros миллилитр 毫升",
        "1/100": "cl",
        "1": "l L л litre litres liter liters litern litro litros литр литра литров لتر",
        "100": "hl",
        "1000": "m³ m3 м³ м3 cubic_metre cubic_metres cubic_meter cubic_meters",
        "55306341/1953125": "cubic_foot cubic_feet",
    },
    "volume in gallons, of two sizes": {"0": "gallon gallons gal"},
    "area": {
        "1/10000": "cm² cm2",
        "1": "m² m2 м² м2 sqm square_metre square_metres square_meter square_meters",
        "145161/1562500": "square_foot square_feet sq_ft sq._ft",
        "1306449/1562500": "square_yard square_yards",
        "40468564224/15625": "square_mile square_miles",
        "10000": "ha га hectare hectares hektar hectárea hectáreas гектар гектара гектаров هكتار هكتارات 公顷 公頃",
        "1000000": "km² km2 км² км2 square_kilometre square_kilometres square_kilometer square_kilometers",
        "316160658/78125": "ac acre acres",
    },
    "time": {
        "1/1000": "ms millisecond milliseconds",
        "1": "s sec secs second seconds sekunde sekunden seconde secondes segundo segundos секунда секунды секунд ثانية ثوان",
        "60": "min mins minute minutes minuten minuto minutos минута минуты минут دقيقة دقائق 分钟 分鐘",
        "3600": "h hr hrs ч hour hours stunde stunden heure heures hora horas час часа часов ساعة ساعات 小时 小時",
        "86400": "day days tag tage tagen jour jours día días день дня дней يوم أيام",
        "604800": "week weeks woche wochen semaine semaines semana semanas неделя недели недель أسبوع أسابيع",
    },
    "months": {
        "1": "month months monat monate monaten mois mes meses месяц месяца месяцев شهر أشهر شهور 个月 個月 か月 ヶ月",
        "12": "yr yrs year years jahr jahre jahren ans année années año años год года лет سنة سنوات",
    },
    "energy": {
        "1": "J",
        "1000": "kJ",
        "1000000": "MJ",
        "3600000": "kWh",
        "3600000000": "MWh",
        "3600000000000": "GWh",
        "3600000000000000": "TWh",
    },
    "power": {"1": "W", "1000": "kW кВт", "1000000": "MW МВт", "1000000000": "GW"},
    "data": {"1": "B", "1000": "kB KB", "1000000": "MB", "1000000000": "GB", "1000000000000": "TB"},
    "frequency": {"1": "Hz", "1000": "kHz", "1000000": "MHz", "1000000000": "GHz"},
    "pressure": {"1": "Pa", "1000": "kPa", "100000": "bar"},
    "speed": {"5/18": "km/h kmh", "1": "m/s", "1397/3125": "mph"},
    "degrees Celsius": {"0": "°C"},
    "degrees Fahrenheit": {"0": "°F"},
}
_SHORTEST_NAME = 3


def _by_unit() -> dict[str, tuple[str, Fraction]]:
    return {
        unit.replace("_", " "): (dimension, Fraction(size))
        for dimension, sizes in _DIMENSIONS.items()
        for size, written in sizes.items()
        for unit in written.split()
    }


_SIZES: Mapping[str, tuple[str, Fraction]] = _by_unit()
CJK_MEASURES = tuple(unit for unit in _SIZES if unit[0] >= "\u3040")
"""Those that stand without a space after the number and before the next word."""


def is_measure(unit: str) -> bool:
    return _size(unit) is not None


def conversion(stated: str | None, wanted: str) -> Fraction | None:
    """How many of the unit wanted make one of the unit stated; None where they are of two dimensions, or unknown."""
    mine, others = _size(stated or ""), _size(wanted)
    if mine is None or others is None or mine[0] != others[0]:
        return None
    return mine[1] / others[1] if others[1] else Fraction(1)


def _size(unit: str) -> tuple[str, Fraction] | None:
    """Dimension and size of a unit. Case tells signs apart (mW, MW); names are the same in capitals."""
    return _SIZES.get(unit) or (_SIZES.get(unit.casefold()) if len(unit) >= _SHORTEST_NAME else None)
