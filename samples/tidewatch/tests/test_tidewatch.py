"""The whole suite, one class per module."""

import contextlib
import io
import json
import random
import tempfile
import unittest
import urllib.error
from pathlib import Path
from unittest import mock

from tests import MEAN, START, TRUTH, as_csv, series, tide
from tidewatch import alerts, cli, gauge, harmonics, quality
from tidewatch.gauge import GaugeError, Reading
from tidewatch.store import KEEP_DAYS, Store


def levels(*values, start=START):
    return [Reading(start + 360 * i, v) for i, v in enumerate(values)]


class GaugeTest(unittest.TestCase):
    def test_replayed_line_does_not_win(self):
        text = as_csv(levels(2134, 2150)) + "2024-03-01T00:06Z,2150,\n2024-03-01T00:00Z,2130,replay\n"
        record = gauge.parse_csv(text.splitlines())
        self.assertEqual([r.level for r in record.readings], [2134, 2150])
        self.assertEqual(record.repeated, 2)

    def test_refusals(self):
        good = as_csv(levels(1, 2))
        changed = [good.replace(*p) for p in (("csv 2", "csv 1"), ("datum: CD", "datum: NN"), ("HLB", "hlb"))]
        for bad in (*changed, good + "rubbish\n", ""):
            with self.assertRaises(GaugeError):
                gauge.parse_csv(bad.splitlines())

    def test_times(self):
        self.assertEqual(gauge.parse_time("1970-01-02T00:00:30Z"), 86430)
        for bad in ("2024-03-10T00:06", "2023-02-29T00:00Z", "2024-13-01T00:00Z", "2024-01-01T24:00Z"):
            with self.assertRaises(GaugeError):
                gauge.parse_time(bad)

    def test_fetch_waits_and_gives_up(self):
        slept = []
        dead = mock.Mock(side_effect=TimeoutError("redialling"))
        with self.assertRaisesRegex(GaugeError, "4 attempts"):
            gauge.fetch("http://hut/", dead, slept.append, random.Random(1))
        self.assertEqual(len(slept), 3)
        for wait, plain in zip(slept, (2, 6, 18)):
            self.assertLessEqual(abs(wait - plain), 0.2 * plain)

    def test_fetch_does_not_repeat_a_wrong_address(self):
        for code, tries in ((404, 1), (429, 4), (503, 4)):
            opener = mock.Mock(side_effect=urllib.error.HTTPError("http://hut/", code, "no", {}, io.BytesIO()))
            with self.assertRaises(GaugeError):
                gauge.fetch("http://hut/", opener, lambda s: None)
            self.assertEqual(opener.call_count, tries)


class QualityTest(unittest.TestCase):
    def test_only_the_spike_is_accused(self):
        readings = levels(2000, 2020, 2040, 2900, 2080, 2100, 2120)
        quality.mark_spikes(readings)
        self.assertEqual([i for i, r in enumerate(readings) if r.flag != "good"], [3])

    def test_stuck_float_with_a_glitch(self):
        readings = levels(*[2000] * 6, 2900, *[2001] * 6)
        quality.control(gauge.Record("HLB", 360, readings))
        self.assertEqual([r.flag for r in readings], ["flat"] * 6 + ["spike"] + ["flat"] * 6)

    def test_clean_tide_is_left_alone(self):
        with_holes = [r for r in series(30) if r.t % 36000 > 9000]
        record = quality.control(gauge.Record("HLB", 360, with_holes))
        self.assertEqual({r.flag for r in record.readings}, {"good"})

    def test_three_are_filled_and_four_are_not(self):
        for missing, filled in ((3, 3), (4, 0)):
            readings = levels(*[1000 + 10 * i for i in range(20)])
            del readings[8 : 8 + missing]
            result = quality.control(gauge.Record("HLB", 360, readings)).readings
            self.assertEqual(sum(r.flag == "filled" for r in result), filled)
        self.assertEqual(quality.find_gaps(readings, 360)[0][2], 4)


class HarmonicsTest(unittest.TestCase):
    def test_constants_are_recovered(self):
        model = harmonics.fit(series(35), 360)
        self.assertAlmostEqual(model.mean, MEAN, delta=1)
        for name, (amplitude, phase) in TRUTH.items():
            self.assertAlmostEqual(model.constants[name][0], amplitude, delta=2)
            self.assertAlmostEqual(model.constants[name][1], phase, delta=1)
        later = START + 60 * 86400
        self.assertAlmostEqual(harmonics.predict(model, later), tide(later), delta=15)

    def test_short_records_drop_constituents(self):
        self.assertEqual(harmonics.resolvable(15), ["M2", "S2", "O1", "K1", "M4"])
        self.assertIn("N2", harmonics.resolvable(28))
        self.assertNotIn("K2", harmonics.resolvable(182))
        self.assertIn("K2", harmonics.resolvable(183))

    def test_refusals(self):
        with self.assertRaisesRegex(GaugeError, "15 days"):
            harmonics.fit(series(14), 360)
        with self.assertRaisesRegex(GaugeError, "usable"):
            harmonics.fit(series(20)[::2], 360)

    def test_turning_points_alternate(self):
        model = harmonics.Fit(MEAN, TRUTH, 35, 0)
        kinds = [kind for _, _, kind in harmonics.turning_points(model, START, 25)]
        self.assertIn("".join(kinds), ("lowhigh" * 2, "highlow" * 2, "lowhigh" * 2 + "low", "highlow" * 2 + "high"))


class AlertTest(unittest.TestCase):
    def test_hysteresis(self):
        events = alerts.replay(alerts.Watcher(), levels(4190, 4210, 4205, 4150, 4121, 4210, 4119))
        self.assertEqual([(e.raised, e.level) for e in events], [(True, 4205), (False, 4119)])

    def test_one_high_reading_is_not_enough(self):
        self.assertEqual(alerts.replay(alerts.Watcher(), levels(4100, 4300, 4100, 4300)), [])

    def test_surge_needs_four_readings(self):
        watcher = alerts.Watcher(lambda t: 2000)
        events = alerts.replay(watcher, levels(2400, 2410, 2420, 2430, 2210, 2199))
        self.assertEqual([(e.kind, e.level) for e in events], [("surge", 2430), ("surge", 2199)])

    def test_silence_does_not_clear_a_level(self):
        watcher = alerts.Watcher()
        alerts.replay(watcher, levels(4700, 4700))
        self.assertEqual([e.kind for e in watcher.tick(START + 360 + 1800)], ["silence"])
        self.assertEqual(watcher.active, ["warning", "watch", "silence"])


class StoreTest(unittest.TestCase):
    def test_manual_flag_survives(self):
        with Store(":memory:") as store:
            store.put("HLB", [Reading(START, 2000, "manual"), Reading(START + 360, 2010)])
            store.put("HLB", [Reading(START, 9999, "range"), Reading(START + 360, 2010, "flat")])
            self.assertEqual([r.flag for r in store.get("HLB")], ["manual", "flat"])

    def test_a_hole_does_not_replace_a_good_reading(self):
        with Store(":memory:") as store:
            store.put("HLB", levels(2000))
            self.assertEqual(store.put("HLB", [Reading(START, None, "missing")]), 0)

    def test_thinning(self):
        with Store(":memory:") as store:
            store.put("HLB", series(1))
            self.assertEqual(store.thin("HLB", START + (KEEP_DAYS + 1) * 86400), 216)
            self.assertEqual(len(store.get("HLB")), 24)


class CliTest(unittest.TestCase):
    def run_cli(self, *args):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = cli.main(["--db", self.db, *args])
        return status, out.getvalue()

    def test_from_file_to_chart(self):
        with tempfile.TemporaryDirectory() as folder:
            self.db = str(Path(folder, "hut.db"))
            csv = Path(folder, "HLB.csv")
            csv.write_text(as_csv(series(20)), encoding="utf-8")
            self.assertEqual(self.run_cli("predict", "HLB", "--start", "2024-03-10T00:00Z")[0], 1)
            self.assertEqual(self.run_cli("ingest", str(csv))[0], 0)
            for command, word in (("check", "good"), ("fit", "M2"), ("report", "highest"), ("alerts", "none")):
                self.assertIn(word, self.run_cli(command, "HLB")[1])
            self.assertIn("high", self.run_cli("predict", "HLB", "--start", "2024-03-10T00:00Z", "--turns")[1])
            report = json.loads(self.run_cli("report", "HLB", "--json")[1])
            self.assertEqual(len(report["points"]), 251)
            self.assertEqual(self.run_cli("ingest", str(Path(folder, "none.csv")))[0], 1)

    def test_status_three_when_an_alert_is_active(self):
        with tempfile.TemporaryDirectory() as folder:
            self.db = str(Path(folder, "hut.db"))
            with Store(self.db) as store:
                store.put("HLB", levels(4590, 4610, 4620))
            status, text = self.run_cli("alerts", "HLB")
            self.assertEqual(status, 3)
            self.assertIn("active: warning, watch", text)
