import pytest

from crystalcli.lm.decoder.thread_tuner import ThreadTuner


class Machine:
    """A clock and a number of threads. cost(threads, step) gives the seconds a step takes."""

    def __init__(self, cost):
        self.now = 0.0
        self.threads = 0
        self.cost = cost
        self.steps: list[int] = []  # the number of threads each was done with
        self.samples = 0

    def use(self, threads: int) -> None:
        self.threads = threads

    def run(self, pace: ThreadTuner, count: int) -> float:
        began = self.now
        for _ in range(count):
            pace.start_step()
            self.now += self.cost(self.threads, len(self.steps))
            self.steps.append(self.threads)
            pace.end_step()
        return self.now - began

    def sample(self) -> None:
        self.samples += 1
        self.now += self.cost(self.threads, len(self.steps)) / 50


def pace_of(machine: Machine, most: int = 2, first: int = 8, sampled: bool = False) -> ThreadTuner:
    return ThreadTuner(most, machine.use, first, machine.sample if sampled else None, lambda: machine.now)


def quiet(threads: int, step: int) -> float:
    return 1.0 / (0.2 + 0.8 * threads)


def crowded(threads: int, step: int) -> float:
    return 1.0 if threads == 1 else 20.0


@pytest.mark.parametrize("sampled", [True, False])
def test_alone_all_threads_are_used(sampled):
    machine = Machine(quiet)
    machine.run(pace_of(machine, first=8, sampled=sampled), 500)
    assert machine.steps == [1] * 8 + [2] * 492


def test_with_neighbours_one_is():
    machine = Machine(crowded)
    spent = machine.run(pace_of(machine), 3000)
    assert machine.steps.count(2) <= 6  # tried again more and more rarely
    assert spent < 3000 * 1.05


def test_a_sample_saves_the_trial():
    machine = Machine(crowded)
    pace = pace_of(machine, first=1, sampled=True)
    machine.run(pace, 30)
    assert machine.steps == [1] * 30
    assert machine.samples == 4
    assert machine.now < 30 + 2


def test_neighbours_that_come_and_go():
    machine = Machine(lambda threads, step: (crowded if 200 <= step < 400 else quiet)(threads, step))
    machine.run(pace_of(machine), 1000)
    assert machine.steps[100:200] == [2] * 100
    assert machine.steps[202:400].count(2) <= 3
    assert machine.steps[-200:] == [2] * 200


def test_a_single_slow_step_is_no_lasting_reason():
    machine = Machine(lambda threads, step: 30.0 if step == 100 else quiet(threads, step))
    machine.run(pace_of(machine), 400)
    assert machine.steps[-200:] == [2] * 200


def test_threads_that_gain_nothing_are_given_up():
    machine = Machine(lambda threads, step: 1.0 if threads == 1 else 1.1)
    machine.run(pace_of(machine), 500)
    assert machine.steps.count(2) < 40


def test_one_core():
    machine = Machine(quiet)
    machine.run(pace_of(machine, most=1), 300)
    assert set(machine.steps) == {1}
