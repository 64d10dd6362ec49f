"""The numbers that Hikvision's cameras have for the provinces of Thai plates, and what they are by ISO 3166-2.

They follow the English names and have nothing in common with the numbers of the plate authority or of the interior
ministry: 42 is Phuket here and Loei in ISO. Source: a list in a public integration with cameras in Thailand; not
confirmed by the maker. Check one plate of each neighbouring province when the first camera is set up.
"""

from typing import Final

from ingest.provinces import BETONG

PROVINCES: Final[dict[str, str]] = {
    "1": "TH-10", "2": "TH-81", "3": "TH-71", "4": "TH-46", "5": "TH-62", "6": "TH-40", "7": "TH-22",
    "8": "TH-24", "9": "TH-20", "10": "TH-18", "11": "TH-36", "12": "TH-86", "13": "TH-57", "14": "TH-50",
    "15": "TH-92", "16": "TH-23", "17": "TH-63", "18": "TH-26", "19": "TH-73", "20": "TH-48", "21": "TH-30",
    "22": "TH-80", "23": "TH-60", "24": "TH-12", "25": "TH-96", "26": "TH-55", "27": "TH-38", "28": "TH-31",
    "29": "TH-13", "30": "TH-77", "31": "TH-25", "32": "TH-94", "33": "TH-14", "34": "TH-82", "35": "TH-93",
    "36": "TH-66", "37": "TH-65", "38": "TH-76", "39": "TH-67", "40": "TH-54", "41": "TH-56", "42": "TH-83",
    "43": "TH-44", "44": "TH-49", "45": "TH-58", "46": "TH-95", "47": "TH-35", "48": "TH-45", "49": "TH-85",
    "50": "TH-21", "51": "TH-70", "52": "TH-16", "53": "TH-52", "54": "TH-51", "55": "TH-42", "56": "TH-33",
    "57": "TH-47", "58": "TH-90", "59": "TH-91", "60": "TH-11", "61": "TH-75", "62": "TH-74", "63": "TH-27",
    "64": "TH-19", "65": "TH-17", "66": "TH-64", "67": "TH-72", "68": "TH-84", "69": "TH-32", "70": "TH-43",
    "71": "TH-39", "72": "TH-15", "73": "TH-41", "74": "TH-61", "75": "TH-53", "76": "TH-34", "77": "TH-37",
    "78": BETONG,
}  # fmt: skip
