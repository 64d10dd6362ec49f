"""Simulated plates obey the Thai grammar and are read as cameras read."""

import re

import numpy as np
import pytest

from contracts.records import VehicleClass
from simulators.chance import Ints
from simulators.classes import CLASSES
from simulators.journeys import BLOCK_US
from simulators.plates import (
    CONSONANTS,
    ORDINARY,
    PROVINCE_NAMES,
    PROVINCES,
    ReadState,
    misread,
    plate_texts,
    provinces,
    read_plates,
    read_states,
)
from simulators.sightings import sight
from simulators.traffic import Traffic
from tests.fixtures.phuket import phuket

PLAIN = re.compile(r"^[1-9]?[ก-ฮ]{2,3}[1-9][0-9]{0,3}$")
HEAVY = re.compile(r"^[1-9][0-9]-[0-9]{4}$")
FORBIDDEN = set("ฃฅฤฦ")
MANY = 20_000


def vehicles(word: VehicleClass, number: int = MANY) -> Ints:
    return (CLASSES.index(word) << 40) | np.arange(number, dtype=np.int64)


@pytest.mark.parametrize("word", CLASSES)
def test_a_plate_obeys_the_grammar_of_its_class(word: VehicleClass) -> None:
    grammar = HEAVY if word in (VehicleClass.BUS, VehicleClass.TRUCK) else PLAIN
    texts = plate_texts(vehicles(word), 1)
    assert all(grammar.match(text) and not FORBIDDEN & set(text) for text in texts)


def test_no_two_vehicles_share_a_plate() -> None:
    every = np.concatenate([vehicles(word) for word in CLASSES])
    texts = plate_texts(every, 5)
    assert len(set(texts)) == len(texts)


def test_a_vehicle_keeps_its_plate_and_province() -> None:
    some = vehicles(VehicleClass.CAR, 500)
    assert plate_texts(some[::-1].copy(), 3)[::-1] == plate_texts(some, 3)
    assert provinces(some[::-1].copy(), 3)[::-1] == provinces(some, 3)


def test_letters_of_no_plate_are_not_among_the_consonants() -> None:
    assert not FORBIDDEN & set(CONSONANTS)
    assert len(set(CONSONANTS)) == len(CONSONANTS) == 42


def test_most_vehicles_come_from_phuket_and_provinces_are_iso_codes() -> None:
    homes = provinces(vehicles(VehicleClass.CAR), 1)
    assert 0.65 < homes.count("TH-83") / MANY < 0.8
    assert set(homes) == set(PROVINCES) == set(PROVINCE_NAMES)


def test_a_misread_plate_differs_in_one_sign() -> None:
    texts = plate_texts(vehicles(VehicleClass.MOTORCYCLE, 300), 1)
    for number, text in enumerate(texts):
        wrong = misread(text, number / 300)
        assert len(wrong) == len(text)
        assert sum(a != b for a, b in zip(text, wrong, strict=True)) <= 1
    assert misread("ฟฟ", 0.5) != "ฟฟ"


def test_a_reader_misses_misreads_and_doubts_a_few() -> None:
    cars = vehicles(VehicleClass.CAR)
    nobody = np.zeros(MANY, np.bool_)
    states = read_states(cars, np.arange(MANY), 1, ORDINARY, nobody, nobody)
    texts, reads = plate_texts(cars, 1), read_plates(cars, np.arange(MANY), 1, states)
    missed = sum(read is None for read in reads) / MANY
    wrong = [read for text, read in zip(texts, reads, strict=True) if read and read[0] != text]
    right = [read for text, read in zip(texts, reads, strict=True) if read and read[0] == text]
    assert 0.02 < missed < 0.04
    assert 0.01 < len(wrong) / MANY < 0.03
    sure = [read for read, state in zip(reads, states, strict=True) if read and state == ReadState.MISREAD_SURE]
    unsure = [read for read in wrong if read not in sure]
    assert max(read[2] for read in unsure) < 0.72 < min(read[2] for read in right)
    assert 0 < len(sure) < MANY / 500 and min(read[2] for read in sure) > 0.8
    assert any(read[1] is None for read in right)


def test_a_camera_that_faces_the_front_reads_no_motorcycle_plate() -> None:
    traffic = Traffic(phuket(), 2)
    block = 1_795_312_800_000_000 // BLOCK_US
    net, passed = traffic.network(block), traffic.block(block)
    seen = sight(net, passed, 2, passed.event_us)
    front = np.array([net.cameras[camera].faces == "front" for camera in seen.camera])
    ridden = seen.vehicle == int(VehicleClass.MOTORCYCLE)
    read = np.array([plate is not None for plate in seen.plates])
    assert (front & ridden).sum() > 50
    assert not read[front & ridden].any()
    assert read[front & ~ridden].mean() > 0.9 and read[~front & ridden].mean() > 0.9
