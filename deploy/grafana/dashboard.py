"""The Grafana dashboard, as code: run this file to write `doithoai.json`, and import that into Grafana 11 or later.

Titles are Vietnamese and English. Every query is of metrics and rules in ../prometheus.
"""

import itertools
from pathlib import Path
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

FILE = Path(__file__).with_name("doithoai.json")
SOURCE = DataSourceRef(type_val="prometheus", uid="${prometheus}")
AGENCY = 'agency=~"$agency"'
BODY = "{{agency}} · {{source}}"  # two sources may both have a body of one code
HEIGHT = 8  # rows of the grid
GREEN, YELLOW, RED = "green", "yellow", "red"
STATUS_COLORS = {"on_track": GREEN, "due_soon": YELLOW, "breached": RED}

Panel = TypeVar("Panel", stat.Panel, timeseries.Panel, bargauge.Panel, table.Panel)


def build() -> dashboard.Dashboard:
    """The whole dashboard, row by row."""
    board = (
        dashboard.Dashboard("Đối thoại: kiến nghị và thời hạn · petitions and deadlines")
        .uid("doithoai")
        .tags(["doithoai"])
        .timezone("Asia/Ho_Chi_Minh")
        .time("now-7d", "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(dashboard.DatasourceVariable("prometheus").label("Prometheus").type("prometheus"))
        .with_variable(
            dashboard.QueryVariable("agency")
            .label("Cơ quan · Agency")
            .datasource(SOURCE)
            .query("label_values(followup_open_deadlines, agency)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    )
    numbers = itertools.count(1)
    for title, panels in (
        ("Vụ việc và thời hạn · Cases and deadlines", deadlines()),
        ("Cơ quan · Agencies", agencies()),
        ("Hai dịch vụ · The pair", pair()),
    ):
        board.with_row(dashboard.Row(title).id(next(numbers)))
        for panel in panels:
            board.with_panel(panel.id(next(numbers)))
    return board


def deadlines() -> list[stat.Panel | timeseries.Panel | table.Panel]:
    """The panels on how many cases and deadlines there are, and how they stand."""
    open_of = 'sum(source_agency_status:followup_open_deadlines:sum{%s,status="%s"}) or vector(0)'
    by_status = f"sum by (status) (source_agency_status:followup_open_deadlines:sum{{{AGENCY}}})"
    by_rule = f"sum by (kind, status) (max by (source, kind, agency, status) (followup_open_deadlines{{{AGENCY}}}))"
    return [
        number(
            "Vụ việc chưa giải quyết xong · Unresolved cases",
            f"sum(source_agency_state:followup_unresolved_cases:sum{{{AGENCY}}}) or vector(0)",
        ),
        colored(number("Quá hạn · Overdue", open_of % (AGENCY, "breached")), red_from=1),
        colored(number("Sắp đến hạn · Due soon", open_of % (AGENCY, "due_soon")), yellow_from=1),
        number(
            "Phần quá hạn trong số đang mở · Share of the open that is overdue",
            f'(sum(source_agency_status:followup_open_deadlines:sum{{{AGENCY},status="breached"}}) or vector(0))'
            f" / sum(source_agency_status:followup_open_deadlines:sum{{{AGENCY}}})",
            units.PercentUnit,
        ),
        number(
            "Đến hạn kế tiếp sau · Next deadline in",
            "min(max by (source) (followup_next_deadline_timestamp_seconds)"
            " - on (source) source:followup_source_complete_timestamp_seconds:max)",
            units.Seconds,
        ),
        number(
            "Đồng hồ của nguồn · The sources' clock", "followup:clock_timestamp_seconds:max * 1000", units.DatetimeISO
        ),
        stacked(status_colored(lines("Thời hạn đang mở · Open deadlines", by_status, "{{status}}"))),
        stacked(
            lines(
                "Vụ việc chưa giải quyết xong theo trạng thái · Unresolved cases by state",
                f"sum by (state) (source_agency_state:followup_unresolved_cases:sum{{{AGENCY}}})",
                "{{state}}",
            )
        ),
        matrix("Theo loại việc · By rule", by_rule, "kind").span(12),
        lines(
            "Quá hạn đã ghi nhận · Breaches on record",
            f"sum by (kind) (max by (source, kind, agency) (followup_deadline_breaches_total{{{AGENCY}}}))",
            "{{kind}}",
        ),
    ]


def agencies() -> list[table.Panel | bargauge.Panel | timeseries.Panel]:
    """The panels on who owes what, and since when."""
    return [
        matrix(
            "Thời hạn đang mở theo cơ quan · Open deadlines by agency",
            f"label_join(source_agency_status:followup_open_deadlines:sum{{{AGENCY}}}, "
            '"body", " · ", "agency", "source")',
            "body",
        ).span(12),
        bars(
            "Kiến nghị tồn đọng lâu nhất · Age of the oldest unresolved petition",
            f"source_agency:followup_oldest_unresolved_age_seconds:max{{{AGENCY}}}",
            units.Seconds,
        ),
        bars(
            "Phần quá hạn trong số đang mở · Share of the open that is overdue",
            f"source_agency:followup_open_deadlines_breached:ratio{{{AGENCY}}}",
            units.PercentUnit,
        ),
        lines(
            "Quá hạn mới trong 24 giờ · Newly breached in 24 hours",
            # A day of quarters of an hour, each with what was new in it.
            "sum by (source, agency) "
            f"(sum_over_time(source_kind_agency:followup_deadline_alerts:new15m{{{AGENCY}}}[1d:15m]))",
            BODY,
        ),
    ]


def pair() -> list[stat.Panel | timeseries.Panel]:
    """The panels on whether intake and followup run and keep up."""
    return [
        colored(
            number(
                "Cảnh báo đang bật · Alerts that fire",
                'count(ALERTS{alertname=~"Doithoai.*", alertstate="firing", severity=~"page|ticket"}) or vector(0)',
            ),
            red_from=1,
        ),
        number("Tiến trình trả lời · Processes that answer", 'sum(up{job=~"intake|followup"})'),
        colored(
            number("Sự kiện chờ xử lý · Parked events", "sum(max by (source) (followup_parked_events))"), red_from=1
        ),
        colored(
            number("Vụ việc có sai khác · Cases that differ", "sum(max by (source) (followup_differences))"), red_from=1
        ),
        colored(
            number("Nguồn bị dừng · Sources stopped", "sum(max by (source) (followup_source_stopped))"), red_from=1
        ),
        number(
            "Vòng tính thời hạn chạy cách đây · The loop ran ago",
            "time() - max(followup_scheduler_last_run_timestamp_seconds)",
            units.Seconds,
        ),
        lines(
            "Sự kiện ghi nhận mỗi giây · Events recorded a second",
            "max by (type) (rate(intake_events_recorded_total[$__rate_interval]))",
            "{{type}}",
        ),
        lines("Sự kiện chưa áp dụng · Reader's lag", "source:followup_reader_lag_events:max", "{{source}}"),
        lines(
            "Chờ gửi sang RabbitMQ · Outbox",
            "service:outbox_pending_events:max",
            "{{service}}",
        ),
        lines(
            "Sự kiện chờ gửi lâu nhất · Age of the oldest unsent event",
            "(time() - service:outbox_oldest_pending_timestamp_seconds:max > 0)"
            " * on (service) (service:outbox_pending_events:max > bool 0)",
            "{{service}}",
            units.Seconds,
        ),
        lines(
            "Tuổi của số liệu · Age of the figures",
            "time() - {__name__=~'(intake|followup)_snapshot_timestamp_seconds'}",
            "{{job}} {{instance}}",
            units.Seconds,
        ),
        lines(
            "Đăng ký webhook · Subscriptions to webhooks",
            "max by (status) (followup_webhook_subscriptions)",
            "{{status}}",
        ),
        lines(
            "Lần phải đọc bù từ nguồn trong 15 phút · Gaps filled from the feed in 15 minutes",
            "increase(source:followup_feed_gaps_total:max[15m])",
            "{{source}}",
        ),
    ]


# --- panels --------------------------------------------------------------------------------------------------------


def query(expression: str, legend: str = "") -> prometheus.Dataquery:
    """A query over the time of the dashboard."""
    return prometheus.Dataquery().ref_id("A").datasource(SOURCE).expr(expression).legend_format(legend or "__auto")


def titled(panel: Panel, title: str, unit: str, width: int, height: int = HEIGHT) -> Panel:
    """A panel with what every panel has."""
    return panel.title(title).datasource(SOURCE).unit(unit).span(width).height(height)


def number(title: str, expression: str, unit: str = units.NoUnit) -> stat.Panel:
    """A panel with one current figure."""
    panel = titled(stat.Panel(), title, unit, width=4, height=5).with_target(query(expression).instant())
    return panel.graph_mode(options.BigValueGraphMode.NONE).reduce_options(
        common.ReduceDataOptions().calcs(["lastNotNull"])
    )


def colored(panel: stat.Panel, yellow_from: float | None = None, red_from: float | None = None) -> stat.Panel:
    """A panel that is green until a figure is reached."""
    steps = [Threshold(value=None, color=GREEN)]
    steps += [Threshold(value=at, color=c) for at, c in ((yellow_from, YELLOW), (red_from, RED)) if at is not None]
    return panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))


def lines(title: str, expression: str, legend: str, unit: str = units.NoUnit) -> timeseries.Panel:
    """A panel with figures over time."""
    legend_box = common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM)
    panel = titled(timeseries.Panel(), title, unit, width=12).with_target(query(expression, legend).range())
    return panel.min(0).legend(legend_box.display_mode(options.LegendDisplayMode.LIST))


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """A panel with stacked figures over time."""
    return panel.fill_opacity(40).stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))


def status_colored(panel: timeseries.Panel) -> timeseries.Panel:
    """A panel with the three states of a deadline in the colors that people expect."""
    for status, color in STATUS_COLORS.items():
        panel.override_by_name(status, [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})])
    return panel


def bars(title: str, expression: str, unit: str) -> bargauge.Panel:
    """A panel with one bar for each agency, the largest first."""
    panel = titled(bargauge.Panel(), title, unit, width=12)
    return (
        panel.with_target(query(f"sort_desc({expression})", BODY).instant())
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def matrix(title: str, expression: str, row: str) -> table.Panel:
    """A panel with current counts, one column for each status."""
    columns = {"rowField": row, "columnField": "status", "valueField": "Value", "emptyValue": "zero"}
    panel = titled(table.Panel(), title, units.NoUnit, width=12)
    return panel.with_target(query(expression).instant().format(PromQueryFormat.TABLE)).with_transformation(
        DataTransformerConfig(id_val="groupingToMatrix", options=columns)
    )


def render() -> str:
    """The dashboard as Grafana reads it."""
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(build().build()) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), "utf-8")
