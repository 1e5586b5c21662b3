"""Each process of the pair is killed in the middle of the work; nothing is lost and nothing happens twice."""

from tests.support.chaos import Scenes


def test_every_process_killed_under_load(staged: Scenes) -> None:
    with staged(pace=0.05) as scene:
        scene.start().work(at_least=scene.some(5, 20))
        scene.intake.kill()
        scene.intake.start()
        scene.accepted(scene.some(25, 35))
        scene.followup.kill()
        scene.followup.start()
        scene.accepted(scene.some(40, 50))
        scene.broker.kill()
        scene.broker.start()
        scene.accepted(scene.some(55, 65))
        scene.cluster.kill()
        scene.cluster.start()
        scene.check()
