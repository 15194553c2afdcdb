"""``farandole dlq``: the dead letters of the mesh: what there is, why, and what is done about it."""

from __future__ import annotations

from cyclopts import App

app = App(
    name="dlq", help="Show dead letters; send them again, mend them, put them aside.", result_action="return_value"
)
for _name, _target, _help in (
    ("ls", "listing:ls", "Show what failed, in groups that failed alike."),
    ("show", "showing:show", "Show one dead letter: its event, its error, every attempt, what to do."),
    ("redrive", "redriving:redrive", "Send dead letters to their service again, each once."),
    ("edit", "editing:edit", "Change the payload of a dead letter before it is sent again."),
    ("discard", "discarding:discard", "Put dead letters aside."),
    ("reopen", "discarding:reopen", "Take back a discard."),
    ("export", "exporting:export", "Write dead letters as JSON lines."),
):
    app.command(f"farandole.cli.dlq.{_target}", name=_name, help=_help)
