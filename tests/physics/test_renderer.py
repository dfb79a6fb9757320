"""Pictures show what the state says; where nothing can draw, the message says what to install."""

from __future__ import annotations

import numpy as np
import pytest

from dynsparse.errors import RenderError, SettingError
from dynsparse.physics.renderer import Renderer, camera_number

from .hand_models import ARM, build

WIDTH, HEIGHT = 64, 48


def drawing(env):
    """Open a renderer, or skip where no OpenGL works."""
    try:
        return Renderer(env, width=WIDTH, height=HEIGHT)
    except RenderError as error:
        pytest.skip(f"no OpenGL draws without a screen here: {error}")


@pytest.fixture(scope="module")
def renderer(cartpole):
    with drawing(cartpole) as opened:
        yield opened


def draw(renderer, *places):
    """Draw the cart pole at some places of the cart, the pole upright."""
    qpos = np.array([[x, 0.0] for x in places]).reshape(-1, 2)
    return renderer.frames(qpos, np.zeros((len(qpos), 0, 3)), np.zeros((len(qpos), 0, 4)))


def test_frames_are_pictures_of_the_size_that_was_asked_for(renderer):
    frames = draw(renderer, 0.0, 0.5)
    assert (frames.shape, frames.dtype) == ((2, HEIGHT, WIDTH, 3), np.uint8)
    assert frames[0].std() > 5  # there is something on it
    assert draw(renderer).shape == (0, HEIGHT, WIDTH, 3)


def test_the_same_state_is_the_same_picture_whatever_was_drawn_before(renderer):
    first, other, again = draw(renderer, 0.2, -0.4, 0.2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(draw(renderer, 0.2)[0], first)


def test_a_cart_to_the_right_is_on_the_right_of_the_picture(renderer):
    left, middle, right = draw(renderer, -0.8, 0.0, 0.8).astype(int)

    def moved_to(frame, others):
        """Mean column of what neither of two other pictures shows."""
        changed = np.minimum(*(np.abs(frame - other).sum(axis=2) for other in others)) > 60
        return np.nonzero(changed)[1].mean()

    at_left, at_middle = moved_to(left, (middle, right)), moved_to(middle, (left, right))
    at_right = moved_to(right, (left, middle))
    assert at_left + 5 < at_middle < at_right - 5


def test_more_frames_than_a_request_holds_are_drawn_in_order(renderer):
    places = np.linspace(-1.0, 1.0, 40)
    frames = draw(renderer, *places)
    assert len(np.unique(frames.reshape(40, -1), axis=0)) == 40
    for number in (0, 31, 32, 39):
        np.testing.assert_array_equal(frames[number], draw(renderer, places[number])[0])


def test_the_target_is_drawn_where_the_episode_has_it(loaded):
    env = loaded("ReacherHard")
    qpos = np.zeros((2, env.nq))
    quat = np.tile([1.0, 0.0, 0.0, 0.0], (2, env.nmocap, 1))
    place = np.repeat(env.model.body_pos[env.model.body_mocapid >= 0][None], 2, axis=0)
    with drawing(env) as opened:
        place[:, 0, :2] = [[0.1, 0.1], [-0.1, 0.1]]
        one, other = opened.frames(qpos, place, quat)
        assert (one != other).any()
        place[1] = place[0]
        one, other = opened.frames(qpos, place, quat)
        np.testing.assert_array_equal(one, other)


def test_where_nothing_can_draw_the_message_says_what_to_install(cartpole, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    with pytest.raises(RenderError) as caught:
        Renderer(cartpole)
    told = str(caught.value)
    assert "nonsense: " in told
    assert (
        "MUJOCO_GL or backend asks for 'nonsense' alone, leave it out, or install EGL (Debian, Ubuntu: libegl1" in told
    )
    assert "libosmesa6" in told
    assert "\n" not in told


def test_cameras_are_found_by_name_and_number(cartpole):
    names = [cartpole.model.camera(i).name for i in range(cartpole.model.ncam)]
    assert len(names) > 1
    assert [camera_number(cartpole, name) for name in names] == list(range(len(names)))
    assert camera_number(cartpole, "1") == camera_number(cartpole, 1) == 1
    assert camera_number(cartpole, None) == 0
    with pytest.raises(SettingError, match=f"CartpoleBalance has no camera '{names[0]}x'; did you mean '{names[0]}'"):
        Renderer(cartpole, camera=f"{names[0]}x")
    with pytest.raises(SettingError, match=f"no camera '{len(names)}'; known: .*{names[0]}"):
        camera_number(cartpole, str(len(names)))


def test_a_model_without_a_camera_is_looked_at_as_a_whole():
    arm = build(ARM)
    assert camera_number(arm, None) == -1
    with pytest.raises(SettingError, match="has no camera, got 'side'; leave the camera out"):
        camera_number(arm, "side")


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ({"width": 0}, "width must be a whole number of at least 1, got 0"),
        ({"height": -1}, "height must be a whole number of at least 1, got -1"),
        ({"height": 4097}, "height must be at most 4096 pixels, got 4097"),
    ],
)
def test_a_frame_without_pixels_or_of_too_many_is_refused(cartpole, size, told):
    with pytest.raises(SettingError, match=told):
        Renderer(cartpole, **size)
