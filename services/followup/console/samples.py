"""In development, a page with a sample of each component, to look at in both languages, light and dark."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from services.followup.console.command_forms import CommandForm, FormError
from services.followup.console.daily.task import plain
from services.followup.console.pages import Pages
from services.followup.entrypoints.query_parameters import HttpRequest, or_404
from shared.command_definitions import ChoiceDefinition, Translated
from shared.http.auth import Callers

_CHOICES = tuple(ChoiceDefinition(value, Translated(f"Mục {value}", f"Entry {value}")) for value in "123")
_FIELDS = (
    plain("text", "Một dòng chữ", "A line of text", is_required=True),
    plain("long", "Đoạn văn", "A text", kind="long_text", help=Translated("Gợi ý.", "A hint.")),
    plain("day", "Ngày", "A day", kind="date"),
    plain("choice", "Chọn một", "Choose one", kind="choice", choices=_CHOICES),
    plain("several", "Chọn nhiều", "Choose several", kind="agency", is_list=True, choices=_CHOICES),
    plain("answer", "Có hay không", "Yes or no", kind="yes_no", is_required=True),
    plain("file", "Tệp", "A file", kind="file"),
    plain("rows", "Các dòng", "Rows", kind="group", is_list=True, fields=(plain("part", "Phần", "Part"),)),
)


def sample_routes(pages: Pages, callers: Callers) -> list[HTTPRouteHandler]:
    """The route of the page; there is none where nobody is `local`."""

    @get("/samples", include_in_schema=False)
    async def samples(request: HttpRequest) -> Response[str]:
        or_404(callers.are_local or None, "page")
        form = CommandForm(command="", title=Translated("Mẫu", "Sample"), is_final=False, fields=_FIELDS)
        wrong = FormError("day", Translated("“31/2” không phải là ngày.", "“31/2” is no day."))
        return await pages.show(request, "samples.html", form=form, filled={"day": "31/2"}, errors=[wrong])

    return [samples]
