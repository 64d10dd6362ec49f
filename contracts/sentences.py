"""What a finding says to a person, in Thai and in English: one sentence or two made of its reason as data.

Everything that shows a finding (console, lists, live stream, reports) shows these; nothing else makes sentences. A kind
that has no words here gets the plain form: measured, against what, and when it ends. `tests/reference/sentences.md`
holds an example of each, as read by people; a test compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.city import City


@dataclass(frozen=True, slots=True)
class Says:
    """The same said twice."""

    en: str
    th: str


Facts = Mapping[str, Any]
SHORT_S: Final = 180
SHORT_MINUTES: Final = 180
Words = tuple[str, str]

VEHICLES: Final[dict[str, Words]] = {
    "unknown": ("vehicle of unknown class", "ยานพาหนะไม่ทราบประเภท"),
    "motorcycle": ("motorcycle", "รถจักรยานยนต์"),
    "car": ("car", "รถยนต์"),
    "pickup": ("pickup", "รถกระบะ"),
    "van": ("van", "รถตู้"),
    "bus": ("bus", "รถโดยสาร"),
    "truck": ("truck", "รถบรรทุก"),
    "three_wheel": ("three-wheeler", "รถสามล้อ"),
    "big_motorcycle": ("big motorcycle", "รถจักรยานยนต์ขนาดใหญ่"),
    "school_bus": ("school bus", "รถโรงเรียน"),
    "towing": ("towing vehicle", "รถลากจูง"),
    "tractor": ("tractor", "รถแทรกเตอร์"),
    "bicycle": ("bicycle", "รถจักรยาน"),
}
BARE_HEADS: Final[dict[str, Words]] = {
    "rider": ("The rider", "ผู้ขับขี่"),
    "passenger": ("A passenger", "ผู้โดยสาร"),
    "rider and passenger": ("Rider and passenger", "ผู้ขับขี่และผู้โดยสาร"),
}
UNITS: Final[dict[str, Words]] = {
    "km/h": ("km/h", "กม./ชม."),
    "ug/m3": ("µg/m³", "มคก./ลบ.ม."),
    "degC": ("°C", "°ซ."),
    "mm": ("mm", "มม."),
    "mm/h": ("mm/h", "มม./ชม."),
    "m": ("m", "ม."),
    "m/s": ("m/s", "ม./วินาที"),
    "s": ("s", "วินาที"),
    "dBA": ("dBA", "เดซิเบลเอ"),
    "index": ("", ""),
    "1": ("", ""),
    "veh": ("vehicles", "คัน"),
    "devices": ("devices", "อุปกรณ์"),
    "alarms": ("alarms", "รายการ"),
}
REASONS: Final[dict[str, Words]] = {
    "front_view_of_motorcycle": (
        "the camera sees fronts, and a motorcycle has no plate there",
        "กล้องเห็นด้านหน้า ซึ่งรถจักรยานยนต์ไม่มีป้ายทะเบียน",
    ),
    "doubtful_plate": (
        "the plate could not be read for certain; it needs a second look",
        "อ่านทะเบียนได้ไม่แน่ชัด ต้องตรวจซ้ำ",
    ),
    "no_plate": ("no plate was read", "อ่านทะเบียนไม่ได้"),
    "maintenance": ("the camera was being worked on", "กล้องอยู่ระหว่างการบำรุงรักษา"),
    "out_of_calibration": ("the camera was out of calibration", "กล้องพ้นกำหนดสอบเทียบ"),
    "calibration_unknown": ("nothing is known of the camera's calibration", "ไม่ทราบการสอบเทียบของกล้อง"),
    "clock_drift": ("the camera's clock was wrong", "นาฬิกาของกล้องคลาดเคลื่อน"),
    "clock_unknown": ("nothing was known of the camera's clock", "ไม่ทราบสถานะนาฬิกาของกล้อง"),
    "dirty_lens": ("the camera's lens was dirty", "เลนส์กล้องสกปรก"),
    "time_barred": ("it came after the limitation", "ขาดอายุความแล้ว"),
    "possible_clone": (
        "it is about the plate, not about a driver, and needs a second look",
        "เป็นข้อสงสัยต่อป้ายทะเบียน ไม่ใช่ต่อผู้ขับขี่ ต้องตรวจซ้ำ",
    ),
    "class_differs": ("the two cameras saw different classes of vehicle", "กล้องสองตัวเห็นประเภทรถต่างกัน"),
}
OFFENCES: Final[dict[str, Words]] = {
    "speeding": (
        "A {vehicle} measured at {speed_kmh} km/h where {limit_kmh} is the limit: at least {at_least_kmh} km/h, "
        "however "
        "wrong the camera may be (± {uncertainty_kmh}). At {enforced_above_kmh} km/h or less it would not have "
        "been raised.",
        "{vehicle}วัดความเร็วได้ {speed_kmh} กม./ชม. ในที่ซึ่งจำกัด {limit_kmh} กม./ชม. อย่างน้อย {at_least_kmh} "
        "กม./ชม. "
        "แม้หักค่าคลาดเคลื่อนของกล้อง (± {uncertainty_kmh}) แล้ว หากไม่เกิน {enforced_above_kmh} กม./ชม. จะไม่ถูกเสนอ",
    ),
    "section_speed": (
        "A {vehicle} drove {length_m} m in {travel_s} s: {average_kmh} km/h on average, at least {at_least_kmh} "
        "km/h by "
        "both clocks and the length, where {limit_kmh} is the limit. At {enforced_above_kmh} km/h or less it would not "
        "have been raised.",
        "{vehicle}วิ่งระยะ {length_m} ม. ใน {travel_s} วินาที เฉลี่ย {average_kmh} กม./ชม. อย่างน้อย "
        "{at_least_kmh} กม./ชม. "
        "เมื่อคิดความคลาดเคลื่อนของนาฬิกาทั้งสองและระยะทาง ในช่วงที่จำกัด {limit_kmh} กม./ชม. "
        "หากไม่เกิน {enforced_above_kmh} กม./ชม. จะไม่ถูกเสนอ",
    ),
    "red_light": (
        "A {vehicle} crossed the stop line {red_s} s after the light had turned red. Up to {threshold} s (grace "
        "{grace_s} s, clocks {clock_uncertainty_s} s) it would not have been raised.",
        "{vehicle}ข้ามเส้นหยุดหลังไฟเปลี่ยนเป็นสีแดง {red_s} วินาที หากไม่เกิน {threshold} วินาที (ผ่อนผัน "
        "{grace_s} วินาที "
        "ความคลาดเคลื่อนของนาฬิกา {clock_uncertainty_s} วินาที) จะไม่ถูกเสนอ",
    ),
    "wrong_way": (
        "A {vehicle} drove against the traffic on lane {lane}, at {speed_kmh} km/h.",
        "{vehicle}ขับย้อนศรในช่องทาง {lane} ด้วยความเร็ว {speed_kmh} กม./ชม.",
    ),
    "no_helmet": (
        "{who} on a {vehicle} without a helmet ({riders} on it, {bare_heads} bare-headed).",
        "{who}บน{vehicle}ไม่สวมหมวกนิรภัย (มีผู้นั่ง {riders} คน ไม่สวม {bare_heads} คน)",
    ),
    "overloaded": (
        "{riders} people on a {vehicle}; {max_riders} are allowed.",
        "มีผู้นั่งบน{vehicle} {riders} คน อนุญาตไม่เกิน {max_riders} คน",
    ),
    "illegal_stopping": (
        "A {vehicle} stood for {dwell_span} where stopping is forbidden. Up to {max_dwell_span} it would not have "
        "been raised.",
        "{vehicle}หยุดอยู่ {dwell_span} ในที่ห้ามหยุดรถ หากไม่เกิน {max_dwell_span} จะไม่ถูกเสนอ",
    ),
    "cloned_plate": (
        "The same plate was read {distance_m} m apart within {travel_s} s. No vehicle drives {speed_kmh} km/h: "
        "the plate may "
        "be on two vehicles. Up to {fastest_kmh} km/h it would not have been raised.",
        "อ่านทะเบียนเดียวกันได้ในที่ห่างกัน {distance_m} ม. ภายใน {travel_s} วินาที ไม่มีรถคันใดวิ่งได้ "
        "{speed_kmh} กม./ชม. "
        "ป้ายนี้อาจติดอยู่กับรถสองคัน หากไม่เกิน {fastest_kmh} กม./ชม. จะไม่ถูกเสนอ",
    ),
}
"""By offence; `stopping` and the like of a city's own are written under the kind of its rule."""
ALARMS: Final[dict[str, Words]] = {
    "silence": (
        "Nothing heard for {measured_span}; a healthy one speaks at least every {threshold_span}.",
        "ไม่ได้รับข้อมูล {measured_span} ตามปกติต้องได้รับภายใน {threshold_span}",
    ),
    "outage": (
        "{silent_devices} of {devices_of_place} devices in {place_name_en} fell silent together: power or network, not "
        "the devices. Silent: {devices}.",
        "อุปกรณ์ {silent_devices} จาก {devices_of_place} ตัวใน{place_name_th}เงียบพร้อมกัน น่าจะเป็นไฟฟ้าหรือเครือข่าย "
        "ไม่ใช่ตัวอุปกรณ์ ที่เงียบ: {devices}",
    ),
    "alarm-flood": (
        "{alarms} new alarms within {within_span}, first {first_kind} at {first_subject}. More than {limit} at "
        "once cannot be "
        "worked through one by one.",
        "มีสัญญาณเตือนใหม่ {alarms} รายการใน {within_span} รายการแรก {first_kind} ที่ {first_subject} "
        "มากกว่า {limit} รายการพร้อมกันจะจัดการทีละรายการไม่ทัน",
    ),
    "bad-messages": (
        "{rejected} of its messages or records could not be accepted, {most_a_minute} of them within one minute, most "
        "for the reason {main_reason}. Up to {limit} a minute it would not have been raised.",
        "ข้อความหรือข้อมูลของอุปกรณ์นี้รับไม่ได้ {rejected} รายการ โดย {most_a_minute} รายการอยู่ในหนึ่งนาที "
        "เหตุผลหลักคือ {main_reason} หากไม่เกิน {limit} รายการต่อนาทีจะไม่ถูกเสนอ",
    ),
    "congestion": (
        "Traffic on {road} towards {towards} moves at {speed_kmh} km/h, free it is {free_flow_kmh} km/h; the "
        "road is taken "
        "{occupancy_percent} % of the time.",
        "การจราจรบน {road} มุ่งหน้า {towards} เคลื่อนตัว {speed_kmh} กม./ชม. ยามคล่องตัว {free_flow_kmh} กม./ชม. "
        "ถนนถูกใช้ {occupancy_percent} % ของเวลา",
    ),
    "incident": (
        "On {road} towards {towards} speed fell from {speed_before_kmh} to {speed_kmh} km/h while {downstream_m} "
        "m further "
        "on traffic flows at {downstream_speed_kmh} km/h: something blocks the road between the two cameras.",
        "บน {road} มุ่งหน้า {towards} ความเร็วลดจาก {speed_before_kmh} เหลือ {speed_kmh} กม./ชม. ขณะที่ถัดไป "
        "{downstream_m} ม. "
        "รถยังวิ่งได้ {downstream_speed_kmh} กม./ชม. น่าจะมีสิ่งกีดขวางระหว่างกล้องสองตัว",
    ),
    "frozen-value": (
        "{metric} has stood still at {value} {value_unit} for {still_span}; before, it never did for longer than "
        "{longest_before_span}.",
        "{metric} ค้างที่ {value} {value_unit} นาน {still_span} เดิมไม่เคยค้างเกิน {longest_before_span}",
    ),
    "sensor-disagrees": (
        "{metric} leaves what {stations} stations within {within_km} km say: {deviation} {unit} from its own usual, "
        "the others {deviation_of_the_others}. The sensor is doubtful, not the city.",
        "{metric} ต่างจากสถานีรอบข้าง {stations} แห่งในรัศมี {within_km} กม. คือ {deviation} {unit} จากค่าปกติของตน "
        "ส่วนแห่งอื่น {deviation_of_the_others} น่าสงสัยที่เครื่องวัด ไม่ใช่สภาพเมือง",
    ),
    "drift": (
        "{metric} has drifted {deviation} {unit} away from what {stations} stations within {within_km} km say; "
        "{limit} is allowed.",
        "{metric} ค่อย ๆ คลาดไป {deviation} {unit} จากสถานีรอบข้าง {stations} แห่งในรัศมี {within_km} กม. ยอมได้ {limit}",
    ),
    "city-event": (
        "{metric} moves at {stations} stations together, {deviation_of_the_others} {unit} from their usual: it is the "
        "city, not "
        "a sensor. Stations: {devices}.",
        "{metric} เปลี่ยนพร้อมกัน {stations} สถานี ต่างจากปกติ {deviation_of_the_others} {unit} เป็นเหตุของเมือง "
        "ไม่ใช่เครื่องวัด "
        "สถานี: {devices}",
    ),
}
"""By kind of alarm, while it stands."""
OVER: Final[dict[str, Words]] = {
    "silence": ("Heard again.", "ได้รับข้อมูลอีกครั้งแล้ว"),
    "outage": (
        "The devices in {place_name_en} are heard again; at the worst {most_silent_devices} of {devices_of_place} were "
        "silent.",
        "อุปกรณ์ใน{place_name_th}ส่งข้อมูลอีกครั้งแล้ว ขณะหนักที่สุดเงียบ {most_silent_devices} จาก {devices_of_place} ตัว",
    ),
    "alarm-flood": (
        "The flood is over; its first alarm was {first_kind} at {first_subject}.",
        "สัญญาณเตือนไม่ท่วมแล้ว รายการแรกคือ {first_kind} ที่ {first_subject}",
    ),
    "bad-messages": (
        "Its messages are accepted again, or it sends none; {rejected} were not, most for the reason {main_reason}.",
        "อุปกรณ์ส่งข้อความที่รับได้อีกครั้งหรือไม่ส่งแล้ว รวมรับไม่ได้ {rejected} รายการ เหตุผลหลักคือ {main_reason}",
    ),
    "congestion": (
        "Traffic on {road} towards {towards} moves at {speed_kmh} km/h again.",
        "การจราจรบน {road} มุ่งหน้า {towards} กลับมาเคลื่อนตัว {speed_kmh} กม./ชม.",
    ),
    "incident": (
        "Traffic on {road} towards {towards} moves at {speed_kmh} km/h again.",
        "การจราจรบน {road} มุ่งหน้า {towards} กลับมาเคลื่อนตัว {speed_kmh} กม./ชม.",
    ),
    "frozen-value": ("{metric} moves again.", "{metric} กลับมาเปลี่ยนแปลงแล้ว"),
    "sensor-disagrees": (
        "{metric} agrees with the stations around it again.",
        "{metric} กลับมาสอดคล้องกับสถานีรอบข้างแล้ว",
    ),
    "drift": ("{metric} agrees with the stations around it again.", "{metric} กลับมาสอดคล้องกับสถานีรอบข้างแล้ว"),
    "city-event": ("{metric} is back to its usual in the area.", "{metric} ในพื้นที่กลับสู่ระดับปกติแล้ว"),
}
"""The same once it is over."""
HOUSE: Final[dict[str, Words]] = {
    "disk-low": ("The disk of the system is low: {detail}.", "พื้นที่ดิสก์ของระบบเหลือน้อย: {detail}"),
    "clock-fault": ("The clock of the system is doubtful: {detail}.", "นาฬิกาของระบบผิดปกติ: {detail}"),
    "broker-drops": ("The broker throws messages away: {detail}.", "โบรกเกอร์ทิ้งข้อความ: {detail}"),
    "poison": ("A message broke the engine and was set aside: {detail}.", "ข้อความหนึ่งทำให้ระบบล้มและถูกแยกไว้: {detail}"),
}
"""What our own house reports; the detail is a technician's, in English."""
UNUSUAL: Final[Words] = (
    "{metric} at {mean} {unit} is unusual here: expected {band_low} to {band_high} ({compared_with}). Score {score}.",
    "{metric} {mean} {unit} ผิดปกติสำหรับจุดนี้ คาดไว้ {band_low} ถึง {band_high} คะแนนความผิดปกติ {score}",
)
EXPECTED: Final[Words] = (
    "{metric} is as expected here again: {mean} {unit}.",
    "{metric} กลับสู่ระดับที่คาดไว้: {mean} {unit}",
)
MEASURED: Final[Words] = (
    "{metric}: {measured} {unit}, where {limit} is the limit{counted}.",
    "{metric} {measured} {unit} เกณฑ์ {limit} {unit}{counted}",
)
AVERAGED: Final[dict[str, Words]] = {"pm25-24h": (", 24 h mean", " เฉลี่ย 24 ชั่วโมง")}
"""Added to the metric's name by kinds of alarm that look at a mean of it."""
ENDS: Final[dict[str, Words]] = {
    "≤": (" It ends at {threshold} or less.", " จะกลับสู่ปกติเมื่อไม่เกิน {threshold}"),
    "<": (" It ends below {threshold}.", " จะกลับสู่ปกติเมื่อต่ำกว่า {threshold}"),
    "≥": (" It ends at {threshold} or more.", " จะกลับสู่ปกติเมื่อถึง {threshold}"),
    ">": (" It ends above {threshold}.", " จะกลับสู่ปกติเมื่อสูงกว่า {threshold}"),
}
RAISED: Final[dict[str, Words]] = {
    "≤": (" Up to {threshold} it is not raised.", " หากไม่เกิน {threshold} จะไม่เตือน"),
    "<": (" Below {threshold} it is not raised.", " หากต่ำกว่า {threshold} จะไม่เตือน"),
    "≥": (" From {threshold} on it is not raised.", " หากตั้งแต่ {threshold} ขึ้นไปจะไม่เตือน"),
    ">": (" Above {threshold} it is not raised.", " หากสูงกว่า {threshold} จะไม่เตือน"),
}
"""What would have kept it silent; where another figure ends it than raised it, that one is said."""
BACK: Final[Words] = ("Back to normal. ", "กลับสู่ปกติ ")
HELD: Final[Words] = ("Suppressed by plan{why}. ", "ระงับตามแผน{why} ")
COVERED: Final[Words] = ("Covered by a higher alarm ({higher}). ", "มีสัญญาณเตือนที่สูงกว่าแล้ว ({higher}) ")
REPEATED: Final[Words] = (" It has come {activations} times.", " เกิดซ้ำ {activations} ครั้ง")
NOT_CHARGEABLE: Final[Words] = (" Not chargeable: {reason}.", " ยังดำเนินคดีไม่ได้: {reason}")


def of_violation(offence: str, vehicle: str, because: Facts, chargeable: bool, reason: str) -> Says:
    """What a suspected violation says; `vehicle` and `reason` are the words that the finding carries."""
    words = OFFENCES.get(offence)
    inputs = because.get("inputs", {})

    def say(language: int) -> str:
        facts = {**_plain(because, language), **_numbers(inputs, language)}
        facts["vehicle"] = _word(VEHICLES, vehicle, language)
        facts["who"] = _word(BARE_HEADS, str(inputs.get("who", "")), language)
        text = _fill(words[language], facts) if words else _measured(because, facts["vehicle"], "", language)
        if not chargeable:
            text += _fill(NOT_CHARGEABLE[language], {"reason": _word(REASONS, reason, language)})
        return text

    return Says(say(0), say(1))


def of_alarm(kind: str, condition: str, because: Facts, city: City | None) -> Says:
    """What an alarm says of its condition now; the city gives a metric its name."""
    inputs = because.get("inputs", {})

    def say(language: int) -> str:
        facts = {**_plain(because, language), **_numbers(inputs, language)}
        metrics = city.metrics if city else ()
        metric = next((entry for entry in metrics if entry.key == inputs.get("metric")), None)
        if metric is not None:
            facts["metric"] = (metric.name_en, metric.name_th)[language]
        if isinstance(inputs.get("occupancy"), float):
            facts["occupancy_percent"] = _number(inputs["occupancy"] * 100)
        if inputs.get("more_devices"):
            facts["devices"] += f" +{inputs['more_devices']}"
        if kind in HOUSE:
            return _fill(HOUSE[kind][language], facts)
        if condition == "normal" and kind in OVER:
            return _fill(OVER[kind][language], facts)
        unusual = "times_the_usual_extremes" in inputs
        if condition == "normal" and unusual:
            return _fill(EXPECTED[language], facts)
        if kind in ALARMS or unusual:
            text = _fill(ALARMS.get(kind, UNUSUAL)[language], facts)
        else:
            name = facts.get("metric", kind) + AVERAGED.get(kind, ("", ""))[language]
            text = _measured(because, name, _counted(inputs, language), language)
        if inputs.get("chattering"):
            text += _fill(REPEATED[language], facts)
        held = _held(inputs, language)
        return {"normal": BACK[language], "suppressed": held}.get(condition, "") + text

    return Says(say(0), say(1))


def _held(inputs: Facts, language: int) -> str:
    """Why an alarm is suppressed: a plan, in its own words where it has any, or a higher alarm about the same."""
    why = inputs.get(("suppressed_because_en", "suppressed_because_th")[language]) or inputs.get("suppressed_because")
    if why is None and inputs.get("suppressed_by"):
        return _fill(COVERED[language], {"higher": str(inputs["suppressed_by"])})
    return _fill(HELD[language], {"why": f" ({why})" if why else ""})


def _measured(because: Facts, what: str, counted: str, language: int) -> str:
    """The plain form: what was measured against what, and when it ends."""
    facts = {**_plain(because, language), "metric": what, "counted": counted}
    sign = next((sign for sign in ENDS if sign in facts["needed"]), "") if because.get("margin", 0) > 0 else ""
    words = RAISED if because.get("threshold") == because.get("limit") else ENDS
    ends = _fill(words[sign][language], facts) if sign else ""
    text = _fill(MEASURED[language], facts) + ends
    return " ".join(text.split()).replace(" ,", ",")


def _counted(inputs: Facts, language: int) -> str:
    """How much the figure rests on, where it rests on hours or on less than all samples."""
    hours, share = inputs.get("valid_hours"), inputs.get("completeness")
    if isinstance(hours, int):
        plural = "" if hours == 1 else "s"
        return (f" ({hours} hour{plural} with data)", f" (มีข้อมูล {hours} ชั่วโมง)")[language]
    if isinstance(share, float) and share < 1:
        percent = round(share * 100)
        return (f" ({percent} % of the samples came)", f" (ได้ข้อมูล {percent} %)")[language]
    return ""


def _plain(because: Facts, language: int) -> dict[str, str]:
    figures = {name: _number(because.get(name)) for name in ("measured", "limit", "threshold", "margin")}
    for name in ("measured", "threshold"):
        figures[f"{name}_span"] = _span(because.get(name), language)
    needed = str(because.get("needed", "")).replace("<=", "≤").replace(">=", "≥").replace("_", " ")
    return {**figures, "unit": _word(UNITS, str(because.get("unit", "")), language), "needed": needed}


def _numbers(inputs: Facts, language: int) -> dict[str, str]:
    """The figures as text; `dwell_s` also as `dwell_span`."""
    spans = {"value_unit": _word(UNITS, str(inputs.get("value_unit", "")), language)}
    spans |= {f"{name}pan": _span(value, language) for name, value in inputs.items() if name.endswith("_s")}
    return {**{name: _number(value) for name, value in inputs.items()}, **spans}


def _span(seconds: object, language: int) -> str:
    """A time, in seconds as long as minutes would hide something."""
    if not isinstance(seconds, int | float) or abs(seconds) < SHORT_S:
        return f"{_number(seconds)} {('s', 'วินาที')[language]}"
    minutes = round(seconds / 60)
    if minutes < SHORT_MINUTES:
        return f"{minutes} {('min', 'นาที')[language]}"
    return f"{_number(seconds / 3600)} {('h', 'ชม.')[language]}"


def _number(value: object) -> str:
    """A number as people write it: no more digits than it means."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "?"}[value]
    if isinstance(value, float):
        digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
        text = f"{value:,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    return f"{value:,}" if isinstance(value, int) else str(value)


def _word(words: Mapping[str, Words], key: str, language: int) -> str:
    """The word of a key; a key that nobody has named yet is shown as it is."""
    named = words.get(key)
    return named[language] if named else key.replace("_", " ")


class _Facts(dict[str, str]):
    """Facts by name; one that a finding does not carry shows as a question mark and breaks nothing."""

    def __missing__(self, name: str) -> str:
        return "?"


def _fill(words: str, facts: Mapping[str, str]) -> str:
    return words.format_map(_Facts(facts))
