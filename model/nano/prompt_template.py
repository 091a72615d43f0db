"""nano's chat template: the prompt between two tokens, with hex colours as words, which is all that nano knows.

Each "#rrggbb" becomes the nearest of the colour words of its grounds, by squared RGB distance.
"""

from __future__ import annotations

from collections.abc import Mapping

from brandpress.model.nano.world.colours import Rgb

START, END = "<|im_start|>", "<|im_end|>"
_TEMPLATE = """\
{%- set colours = COLOURS -%}
{%- macro word(code) -%}
{%- set r, g, b = code[:2] | int(0, 16), code[2:4] | int(0, 16), code[4:] | int(0, 16) -%}
{%- set nearest = namespace(name='', distance=195076) -%}
{%- for name, red, green, blue in colours -%}
{%- set distance = (r - red) * (r - red) + (g - green) * (g - green) + (b - blue) * (b - blue) -%}
{%- if distance < nearest.distance -%}
{%- set nearest.name = name -%}{%- set nearest.distance = distance -%}
{%- endif -%}
{%- endfor -%}
{{- nearest.name -}}
{%- endmacro -%}
{%- for message in messages -%}
{{- 'START' -}}
{%- for part in message['content'].split('#') -%}
{%- set code = part[:6] -%}
{%- if loop.first -%}
{{- part -}}
{%- elif code | length < 6 or part[6:7].isalnum() or code | lower | reject('in', '0123456789abcdef') | list -%}
{{- '#' ~ part -}}
{%- else -%}
{{- word(code) ~ part[6:] -}}
{%- endif -%}
{%- endfor -%}
{{- 'END' -}}
{%- endfor -%}
"""


def prompt_template(colours: Mapping[str, Rgb]) -> str:
    """Returns the template. colours: what hex colours become."""
    rows = [(name, *colour) for name, colour in colours.items()]
    return _TEMPLATE.replace("COLOURS", str(rows)).replace("START", START).replace("END", END).strip()
