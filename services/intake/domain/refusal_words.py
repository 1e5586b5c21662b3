"""The words of every refusal, by its code: a title, and the sentences from which a raise chooses by their key."""

from collections.abc import Mapping

from shared.calendar import CONTRADICTIONS
from shared.events.titles import EVENT_TITLES
from shared.policy.duties import CHANNEL_TITLES, DUTY_KINDS, TRAIT_TITLES
from shared.problem_words import DOOR_NAMES, DOOR_WORDS
from shared.sentences import Names, ProblemText, ProblemWords, Sentence, problem_text


def refusal_text(code: str, sentence: str, values: Mapping[str, object]) -> ProblemText:
    """The title and the filled sentence of a refusal, in both languages. Raises KeyError for a code without words."""
    return problem_text(REFUSAL_WORDS[code], sentence, values, REFUSAL_NAMES)


def _with(words: ProblemWords, more: Mapping[str, Sentence]) -> ProblemWords:
    """The words of a code that doors answer with too, and those of the rules."""
    return ProblemWords(words.title, {**words.sentences, **more})


#: The problem codes, each with its title and its sentences.
REFUSAL_WORDS: Mapping[str, ProblemWords] = {
    "role-may-not": _with(
        DOOR_WORDS["role-may-not"],
        {
            "content": Sentence(
                "Chỉ văn phòng và cơ quan được giao vụ việc mới được xem nội dung.",
                "content is for the office and for the agency that has the case",
            ),
            "answers": Sentence(
                "Mã truy cập này không có quyền đọc câu trả lời (read-answers); hãy nhờ người vận hành cấp.",
                "this token lacks the right read-answers; ask the operator for it",
            ),
        },
    ),
    "jurisdiction-may-not": _with(
        DOOR_WORDS["jurisdiction-may-not"],
        {
            "act": Sentence(
                "Việc này thuộc địa bàn {place}, ngoài phạm vi {own} của bạn; hãy để địa bàn đó thực hiện.",
                "the act concerns {place}, outside {own}; leave it to an office of that jurisdiction",
            ),
            "no-jurisdiction": Sentence(
                "Việc này thuộc địa bàn {place}, còn mã truy cập của bạn không gắn với địa bàn nào.",
                "the act concerns {place}, and your token names no jurisdiction",
            ),
            "case": Sentence(
                "Vụ việc thuộc địa bàn {place}, ngoài phạm vi {own} của bạn.", "the case is of {place}, outside {own}"
            ),
            "day": Sentence(
                "Ngày này nguồn đã gửi cả kiến nghị ngoài phạm vi {own} của bạn; hãy đề nghị cấp phụ trách toàn bộ đối "
                "soát.",
                "the source pushed petitions outside {own} on this day too; leave it to whoever sees to all of them",
            ),
        },
    ),
    "source-may-not": ProblemWords(
        Sentence("Nguồn không thuộc quyền của bạn", "Not a source of the caller's"),
        {
            "push": Sentence(
                "{caller} không được gửi với tên nguồn “{source}”; hãy dùng tên nguồn của mình hoặc đề nghị người quản "
                "trị bổ sung nguồn này cho mã truy cập.",
                "{caller} may not push in the name of '{source}'; use a source of your own, or have this one added to "
                "the `sources` of your token",
            ),
            "petition": Sentence(
                "Kiến nghị này không do hệ thống của bạn gửi đến; hãy đề nghị văn phòng thực hiện.",
                "the petition did not come from your system; ask the office to do this",
            ),
        },
    ),
    "agency-may-not": _with(
        DOOR_WORDS["agency-may-not"],
        {
            "no-agency": Sentence(
                "Mã truy cập của bạn không gắn với cơ quan nào; hãy đề nghị người quản trị cấp lại.",
                "the token names no agency; ask for a token that does",
            ),
            "other-agency": Sentence(
                "{agency} không được thực hiện thay {named}; hãy nêu cơ quan của mình.",
                "{agency} does not act for {named}; name your own agency",
            ),
            "proposer": Sentence(
                "{agency} chỉ được đề xuất với danh nghĩa của mình; hãy nêu cơ quan của mình.",
                "{agency} proposes in its own name; name it as the proposer",
            ),
            "task": Sentence(
                "Nhiệm vụ “{task}” được giao cho {owner}; cơ quan đó ghi nhận việc hoàn thành.",
                "'{task}' was given to {owner}, which records that it is done",
            ),
            "station": Sentence(
                "Chỉ đài truyền thanh - truyền hình phụ trách hội nghị mới ghi nhận thông báo công khai.",
                "only the station of the conference publishes its notices",
            ),
            "no-part": Sentence(
                "Kiến nghị chưa được chuyển hoặc phân công cho {agency}; hãy đề nghị văn phòng chuyển hoặc phân "
                "công trước.",
                "the petition was neither forwarded nor assigned to {agency}; ask the office to do so first",
            ),
            "no-longer": Sentence(
                "Kiến nghị không còn do {agency} giải quyết; hãy đề nghị cơ quan đang chủ trì hoặc văn phòng.",
                "{agency} is no longer in charge of the petition; ask the lead agency or the office",
            ),
            "not-lead": Sentence(
                "Chỉ cơ quan chủ trì mới gia hạn; {agency} không chủ trì kiến nghị này, hãy đề nghị cơ quan chủ trì "
                "hoặc người chủ trì.",
                "only the lead agency extends, and {agency} does not lead; ask the lead agency or the chair",
            ),
            "chair-extends": Sentence(
                "Quy định hiện hành dành việc gia hạn cho người chủ trì; hãy trình người chủ trì quyết định.",
                "the policy in force leaves an extension to the chair; ask the chair",
            ),
            "records": Sentence(
                "Cơ quan không ghi nhận việc này; hãy đề nghị văn phòng ghi nhận.",
                "an agency does not record {topic}; ask the office to record it",
            ),
        },
    ),
    "not-in-catalogue": ProblemWords(
        Sentence("Không có trong danh mục", "Not in the catalogue"),
        {
            "": Sentence(
                "Nội dung này không có trong danh mục đang áp dụng; hãy chọn một trong: {shown}.",
                "the catalogue that stands has no such code; choose one of: {shown}",
            ),
        },
    ),
    "invalid-value": _with(
        DOOR_WORDS["invalid-value"],
        {
            "empty": Sentence("Không được để trống; hãy nhập nội dung.", "may not be empty"),
            "nothing-said": Sentence(
                "Chưa có nội dung nào; hãy nhập nội dung hoặc chọn tệp văn bản.",
                "nothing is said; give the text or the document",
            ),
            "too-long": Sentence(
                "Nội dung dài {length} ký tự; tối đa {most} ký tự.", "{length} characters; at most {most}"
            ),
            "too-many": Sentence("Danh sách có {count} mục; tối đa {most} mục.", "{count} items; at most {most}"),
            "too-large": Sentence(
                "Nội dung chiếm {size} byte; tối đa {most} byte cho một sự kiện.",
                "takes {size} bytes; an event has at most {most}",
            ),
            "number": Sentence(
                "Số phải nằm trong khoảng từ {least} đến {most}; hãy kiểm tra lại.",
                "name a number from {least} to {most}",
            ),
            "identifier": Sentence(
                "Mã người dùng là mã mà hệ thống đăng nhập cấp (sub): chữ không dấu, không có dấu cách, không phải họ "
                "tên hay thư điện tử; người đó thấy mã của mình sau khi đăng nhập.",
                "give the identifier at the sign-in provider (`sub`): ASCII without spaces, no name and no e-mail "
                "address; who signs in is shown the own one",
            ),
            "digest": Sentence(
                "Hãy kèm tệp văn bản; qua API, mã băm phải là SHA-256 của tệp, gồm 64 chữ số thập lục phân.",
                "give the SHA-256 of the document: 64 hexadecimal digits, computed from the file",
            ),
            "nul": Sentence(
                "Văn bản chứa ký tự NUL không hợp lệ; hãy xóa ký tự đó.", "holds the NUL character; remove it"
            ),
            "year": Sentence(
                "Ngày {day} nằm ngoài khoảng từ năm {first} đến năm {last}; hãy kiểm tra lại năm.",
                "{day} is outside {first} to {last}",
            ),
            "catalogue-code": Sentence(
                "“{code}” không dùng làm mã được; hãy dùng chữ không dấu, chữ số và các dấu . _ - ở giữa, tối đa "
                "{most} ký tự.",
                "'{code}' is no code of a catalogue: plain letters and digits, with . _ - between them, at most {most}",
            ),
            "catalogue-twice": Sentence(
                "Mã hoặc tên của mục “{title}” đã có ở một mục khác; hãy đặt mã, tên khác nhau cho từng mục.",
                "the code or a title of '{title}' is another entry's too; give each its own",
            ),
            "catalogue-parent": Sentence(
                "“{code}” không phải là mục khác của danh mục này, hoặc các mục nằm trong nhau; hãy ghi mã của mục cấp "
                "trên.",
                "'{code}' is no other entry of the catalogue, or entries lie within each other; name the entry above",
            ),
            "no-catalogue": Sentence(
                "Ngày {day} tại {place} chưa áp dụng danh mục loại này; hãy ban hành danh mục trước.",
                "no catalogue of this kind stands at {place} on {day}; adopt one first",
            ),
            "none-listed": Sentence("Danh sách đang trống; hãy nêu ít nhất một mục.", "name at least one"),
            "not-correctable": Sentence(
                "Không thể đính chính {name}; có thể đính chính: {allowed}.",
                "{name} is not corrected; name fields among {allowed}",
            ),
            "after-acts": Sentence(
                "Ngày tiếp nhận {day} sau ngày {first} của một ghi nhận về kiến nghị; hãy chọn ngày {first} hoặc sớm "
                "hơn.",
                "{day} is after {first}, on which something was done to the petition; name that day or an earlier one",
            ),
            "no-petitioner": Sentence(
                "{label} không phải mã của người kiến nghị nào; hãy dùng mã có trong petitioner_ids.",
                "{label} is the id of no petitioner; name one of petitioner_ids",
            ),
            "source-version": Sentence(
                "Phiên bản của bản ghi phải là một số nguyên không âm hoặc một thời điểm (RFC 3339), tối đa {most} ký "
                "tự.",
                "give a whole number, or an instant (RFC 3339) with its offset, of at most {most} characters",
            ),
            "number-after-instant": Sentence(
                "Phiên bản trước của bản ghi này là một thời điểm ({last}); hãy tiếp tục dùng thời điểm.",
                "the version before is an instant, {last}; go on with instants",
            ),
            "unprintable": Sentence(
                "Mã tham chiếu không được chứa ký tự điều khiển, ký tự không in được hoặc ký tự thay thế U+FFFD; "
                "hãy bỏ chúng.",
                "a reference may not hold control characters, others that cannot be printed, or U+FFFD: leave them out",
            ),
            "other-than-address": Sentence(
                "Giá trị này khác với địa chỉ; hãy bỏ đi hoặc ghi {named}.",
                "the address says {named}; leave it out or say the same",
            ),
            "before-record": Sentence(
                "Ngày {day} trước ngày {record_day} của ghi nhận cần thu hồi; hãy chọn ngày {record_day} hoặc "
                "muộn hơn.",
                "{day} is before the record, which is of {record_day}; name that day or a later one",
            ),
            "criteria": Sentence(
                "Hãy nêu ít nhất một tiêu chí mà văn bản quy định: {criteria}.",
                "name one that the document writes down: {criteria}",
            ),
            "petitioner-not-informed": Sentence(
                "Quy định hiện hành yêu cầu thông báo cho người kiến nghị; hãy ghi ngày đã thông báo.",
                "the policy in force asks that the petitioner be informed; say when",
            ),
            "committee-not-informed": Sentence(
                "Quy định hiện hành yêu cầu báo cáo Ủy ban nhân dân; hãy ghi ngày đã báo cáo.",
                "the policy in force asks that the committee be informed; say when",
            ),
            "notice": Sentence(
                "Hãy ghi số văn bản thông báo và kèm tệp văn bản đó.",
                "give the number of the notice, and its file: over the API the SHA-256 of it (`digest`)",
            ),
            "due-before-assignment": Sentence(
                "Hạn {due} trước ngày phân công {day}; hãy chọn ngày {day} hoặc muộn hơn.",
                "{due} is before the assignment on {day}; name that day or a later one",
            ),
            "listed-twice": Sentence(
                "Kiến nghị {petition_id} được nêu hai lần; chỉ giữ một dòng.",
                "the petition {petition_id} is listed twice; keep one line",
            ),
            "other-jurisdiction": Sentence(
                "Hội nghị được đề xuất cho địa bàn {jurisdiction}; hãy ghi đúng địa bàn đó.",
                "the conference was proposed for {jurisdiction}; name that jurisdiction",
            ),
            "until-before-from": Sentence(
                "Ngày cuối {last} trước ngày đầu {first}; hãy chọn ngày {first} hoặc muộn hơn.",
                "{last} is before the first day {first}; name that day or a later one",
            ),
            "other-person": Sentence(
                "Việc này được ghi dưới tên người đăng nhập; hãy bỏ trường này.",
                "the act is recorded as that of who signed in; leave this out",
            ),
            "last-before-first": Sentence(
                "Ngày kết thúc {last_day} trước ngày khai mạc {first_day}; hãy chọn ngày {first_day} hoặc muộn hơn.",
                "{last_day} is before the first day {first_day}; name that day or a later one",
            ),
            "other-audience": Sentence(
                "Yêu cầu đối thoại là của đối tượng “{audience}”; hãy ghi đúng đối tượng đó.",
                "the dialogue was asked for by '{audience}'; name that audience",
            ),
            "petition-missing": Sentence(
                "Hãy ghi mã kiến nghị của những người kiến nghị này.", "name the petition of these petitioners"
            ),
            "strangers": Sentence(
                "Có {count} người không phải người kiến nghị của kiến nghị đó; hãy bỏ những người này ra.",
                "{count} of them are no petitioners of that petition; leave them out",
            ),
            "other-petitioners": Sentence(
                "Người phát biểu đã đăng ký thay cho những người kiến nghị khác; hãy bỏ những người này ra.",
                "the speaker was registered for other petitioners; leave these out",
            ),
            "before-existence": Sentence(
                "{code} chỉ hoạt động từ ngày {valid_from}; hãy chọn ngày {valid_from} hoặc muộn hơn.",
                "{code} exists only from {valid_from} on; name that day or a later one",
            ),
            "not-periodic": Sentence(
                "“{duty}” không phải là việc định kỳ của địa bàn này; chỉ được miễn việc định kỳ.",
                "'{duty}' is not owed there again and again; only a periodic duty is waived",
            ),
            "unknown-period": Sentence(
                "“{period}” không phải là một kỳ; hãy viết theo mẫu {example}.",
                "'{period}' is no period; write it as {example}",
            ),
            "substitute": Sentence(
                "Quy định hiện hành yêu cầu nêu việc đã làm thay; hãy ghi việc đó.",
                "say what was done in its place; the policy in force asks for it",
            ),
            "petitioner-ids": Sentence(
                "Tối đa {most} mã người kiến nghị, mỗi mã từ 1 đến {length} ký tự.",
                "at most {most} ids of 1 to {length} characters",
            ),
            "no-address": Sentence(
                "Mã người kiến nghị không được chứa dấu gạch chéo hoặc ký tự điều khiển; hãy dùng mã khác để có thể "
                "gọi đến khi xóa dữ liệu.",
                "an id may not hold slashes or control characters; an address has to name it when data is erased",
            ),
            "who-is-who": Sentence(
                "Chưa rõ ai là ai trong những người kiến nghị đã biết; hãy ghi mã của từng người trong petitioner_ids "
                "và dùng mã đó làm nhãn.",
                "who is who among the petitioners that are known is not clear; name the id of each in petitioner_ids "
                "and use it as the label",
            ),
            "labels": Sentence(
                "Hai người kiến nghị có cùng một nhãn; hãy đặt nhãn khác nhau.",
                "two petitioners have one label; give each its own",
            ),
            "identities": Sentence(
                "Tối đa {most} người kiến nghị trong một kiến nghị.", "at most {most} petitioners in one petition"
            ),
            "e-mail": Sentence(
                "Địa chỉ thư điện tử không hợp lệ; hãy viết theo mẫu ten@example.vn.",
                "is no e-mail address; write it as name@example.vn",
            ),
            "submitted-later": Sentence(
                "Thời điểm gửi thuộc ngày {day}, sau ngày hôm nay {today}; hãy kiểm tra lại đồng hồ và múi giờ.",
                "the instant is on {day} in Viet Nam, after today, {today}; check the clock and the offset",
            ),
            "place-empty": Sentence(
                "Chưa có nội dung; hãy ghi địa điểm bằng lời hoặc toạ độ, hoặc bỏ trường này.",
                "says nothing; give an address or a point, or leave it out",
            ),
            "point-half": Sentence(
                "Toạ độ gồm hai số; hãy ghi cả vĩ độ và kinh độ.", "a point has two numbers; give both"
            ),
            "point-outside": Sentence(
                "Toạ độ không nằm trong lãnh thổ Việt Nam, nơi {name} từ {least} đến {most}; hãy kiểm tra thứ tự vĩ "
                "độ, kinh độ.",
                "not in Viet Nam, where the {name} is between {least} and {most}; see that the two are not exchanged",
            ),
            "area": Sentence(
                "Khu vực là mã của xã (ví dụ H35.10.31) hoặc toạ độ làm tròn đến 0,01 độ, vĩ độ trước (ví dụ "
                "21.38,103.02).",
                "give the code of a commune (H35.10.31) or a point rounded to 0.01 degree, latitude first "
                "(21.38,103.02)",
            ),
            "language": Sentence(
                "“{text}” không phải là mã ngôn ngữ theo BCP 47; hãy dùng mã như vi, blt hoặc hmn-Latn.",
                "'{text}' is no language tag of BCP 47; write it as vi, blt or hmn-Latn",
            ),
            "attribute-undeclared": Sentence(
                "Thông tin này chưa được khai báo; hãy đề nghị người quản trị bổ sung vào INTAKE_ATTRIBUTES.",
                "the attribute is not declared; have it added to INTAKE_ATTRIBUTES, or leave it out",
            ),
            "attributes-large": Sentence(
                "Các thông tin riêng chiếm {size} byte; tối đa {most} byte.",
                "the attributes take {size} bytes as JSON; at most {most}",
            ),
            "not-in-act": Sentence(
                "“{act}” không gồm việc này; chỉ gồm: {allowed}.",
                "'{act}' has no such part; its parts are {allowed}",
            ),
            "not-done-to": Sentence(
                "{command} không thực hiện trên loại hồ sơ này; hãy ghi petition hoặc conference.",
                "{command} is not done to this; name petition or conference",
            ),
            "no-earlier-part": Sentence(
                "{part} không phải là phần đứng trước; hãy dẫn đến một phần đứng trước, đánh số từ #0.",
                "{part} is no earlier part; name one of those before it, counted from #0",
            ),
            "too-long-for-petitioners": Sentence(
                "Nội dung quá dài: tối đa {most} ký tự cho {petitioners} người kiến nghị.",
                "at most {most} characters for {petitioners} petitioners",
            ),
        },
    ),
    "invalid-code": _with(
        DOOR_WORDS["invalid-code"],
        {
            "below-itself": Sentence(
                "{code} không thể là cấp trên của chính mình; hãy chọn địa bàn cấp trên, hoặc để trống nếu không có.",
                "{code} cannot be above itself; name the jurisdiction above it, or none where there is none",
            ),
            "not-under-parent": Sentence(
                "Mã {code} không nằm dưới mã cấp trên {parent}; hãy dùng mã bắt đầu bằng “{parent}.”.",
                "{code} is not below its parent {parent}; take a code that begins with '{parent}.'",
            ),
        },
    ),
    "invalid-calendar": ProblemWords(
        Sentence("Lịch làm việc mâu thuẫn", "The calendar contradicts itself"), CONTRADICTIONS
    ),
    "invalid-policy": DOOR_WORDS["invalid-policy"],
    "future-deed": ProblemWords(
        Sentence("Ngày sau ngày hôm nay", "Dated in the future"),
        {
            "": Sentence(
                "Ngày {day} sau ngày hôm nay {today}; chỉ ghi nhận việc đã thực hiện.",
                "{day} is after today, {today}; an act is recorded once done",
            ),
            "report": Sentence(
                "Ngày báo cáo {day} sau ngày hôm nay {today}; hãy ghi ngày đã báo cáo.",
                "{day} is after today, {today}; name the day on which it was reported",
            ),
            "informed": Sentence(
                "Ngày thông báo {day} sau ngày hôm nay {today}; hãy ghi ngày đã thông báo.",
                "{day} is after today, {today}; name the day on which they were informed",
            ),
        },
    ),
    "calendar-year-missing": _with(
        DOOR_WORDS["calendar-year-missing"],
        {
            "": Sentence(
                "Ngày {day} thuộc năm {year}, năm này chưa có lịch làm việc; hãy công bố lịch trước.",
                "{day} is in {year}, which has no calendar; publish one first",
            ),
            "clock": Sentence(
                "Thời hạn “{duty}” tính từ ngày {start} kéo sang năm {year}, năm này chưa có lịch làm việc; hãy "
                "công bố lịch trước.",
                "the clock '{duty}' from {start} reaches {year}, which has no calendar; publish one first",
            ),
        },
    ),
    "unknown-jurisdiction": ProblemWords(
        Sentence("Địa bàn chưa được đăng ký", "Unknown jurisdiction"),
        {
            "": Sentence(
                "Địa bàn “{code}” chưa được đăng ký; hãy đăng ký trước.",
                "no jurisdiction '{code}' is registered; register it first",
            ),
            "successor": Sentence(
                "Địa bàn kế thừa “{code}” chưa được đăng ký là một địa bàn khác; hãy đăng ký trước.",
                "'{code}' is not registered as another jurisdiction; register it first",
            ),
        },
    ),
    "jurisdiction-closed-then": ProblemWords(
        Sentence("Địa bàn không tồn tại vào ngày đó", "The jurisdiction did not exist then"),
        {
            "": Sentence(
                "Vào ngày {day} địa bàn {code} không tồn tại; hãy kiểm tra lại ngày hoặc mã địa bàn.",
                "the jurisdiction {code} did not exist on {day}; check the day or the code",
            ),
            "successor": Sentence(
                "Vào ngày {day} địa bàn {code} không tồn tại; địa bàn kế thừa là {successor}.",
                "the jurisdiction {code} did not exist on {day}; its successor is {successor}",
            ),
        },
    ),
    "unknown-agency": ProblemWords(
        Sentence("Cơ quan chưa được đăng ký", "Unknown agency"),
        {
            "": Sentence(
                "Cơ quan “{code}” chưa được đăng ký; hãy đăng ký trước.",
                "no agency '{code}' is registered; register it first",
            ),
            "successor": Sentence(
                "Cơ quan kế thừa “{code}” chưa được đăng ký là một cơ quan khác; hãy đăng ký trước.",
                "'{code}' is not registered as another agency; register it first",
            ),
        },
    ),
    "agency-closed-then": ProblemWords(
        Sentence("Cơ quan không hoạt động vào ngày đó", "The agency did not exist then"),
        {
            "": Sentence(
                "Vào ngày {day} cơ quan {code} không hoạt động; hãy kiểm tra lại ngày hoặc mã cơ quan.",
                "the agency {code} did not exist on {day}; check the day or the code",
            ),
            "successor": Sentence(
                "Vào ngày {day} cơ quan {code} không hoạt động; cơ quan kế thừa là {successor}.",
                "the agency {code} did not exist on {day}; its successor is {successor}",
            ),
        },
    ),
    "later-than-due": ProblemWords(
        Sentence("Muộn hơn hạn trả lời", "Later than the reply's due date"),
        {
            "": Sentence(
                "Ngày {day} muộn hơn hạn trả lời: chậm nhất {due}; hãy chọn ngày {due} hoặc sớm hơn, hoặc xác định vụ "
                "việc phức tạp trước.",
                "{day} is later than the reply's due date {due}; name that day or an earlier one, or mark the case "
                "complex first",
            )
        },
    ),
    "already-registered": ProblemWords(
        Sentence("Mã đã được đăng ký", "Already registered"),
        {
            "": Sentence(
                "Mã {code} đã được đăng ký ({name}); hãy dùng mã khác, hoặc ghi nhận kết thúc hoạt động của mã này.",
                "{code} is registered ({name}); close it or take another code",
            )
        },
    ),
    "already-closed": ProblemWords(
        Sentence("Đã kết thúc hoạt động", "Already closed"),
        {
            "": Sentence(
                "{code} đã kết thúc hoạt động từ ngày {closed_on}; không cần ghi nhận lần nữa.",
                "{code} was closed on {closed_on}; there is nothing more to close",
            )
        },
    ),
    "unknown-post": ProblemWords(
        Sentence("Không có vị trí công tác hoặc ủy quyền này", "No such post or delegation"),
        {
            "": Sentence(
                "Không có vị trí công tác {post}; hãy chọn trong danh sách người dùng.",
                "there is no post {post}; the list of people names them",
            ),
            "delegation": Sentence(
                "Không có ủy quyền {delegation}; hãy chọn trong danh sách người dùng.",
                "there is no delegation {delegation}; the list of people names them",
            ),
            "person": Sentence(
                "Không có người dùng {person}; hãy chọn trong danh sách người dùng.",
                "there is no person {person}; the list of people names them",
            ),
        },
    ),
    "post-already-held": ProblemWords(
        Sentence("Người này đã có vị trí này", "The post is held already"),
        {
            "": Sentence(
                "Người này đã giữ vị trí “{position}” từ ngày {since}; hãy chấm dứt vị trí đó hoặc đổi ngày.",
                "the person holds '{position}' since {since}; end that post first, or name other days",
            ),
            "delegation": Sentence(
                "Cấp phó đã được ủy quyền từ ngày {since}; hãy chấm dứt ủy quyền đó trước hoặc chọn ngày khác.",
                "the deputy has a delegation since {since}; end it first, or name other days",
            ),
        },
    ),
    "post-over": ProblemWords(
        Sentence("Đã chấm dứt", "Ended before"),
        {
            "": Sentence(
                "Đã chấm dứt từ ngày {ended_on}; không cần ghi nhận lần nữa.",
                "it ended on {ended_on}; there is nothing more to end",
            ),
            "annulled": Sentence(
                "Vị trí này đã được hủy vì ghi nhận nhầm; không cần ghi nhận gì thêm.",
                "the post was annulled, since it was recorded wrongly; there is nothing more to record",
            ),
        },
    ),
    "last-administrator": ProblemWords(
        Sentence("Không còn ai quản trị", "Nobody would administer"),
        {
            "": Sentence(
                "Không còn ai khác quản trị người dùng của {place}; hãy giao vị trí quản trị cho người khác trước, rồi "
                "mới thôi vị trí của mình.",
                "nobody else administers the people of {place}; grant another person such a post first, then end yours",
            ),
        },
    ),
    "role-not-of-place": ProblemWords(
        Sentence("Quyền vượt quá quyền của đơn vị", "More than the place has"),
        {
            "": Sentence(
                "{place} không có quyền {roles}; hãy chọn quyền khác hoặc ghi địa bàn có thẩm quyền.",
                "{place} has no {roles}; choose other roles, or name the jurisdiction that has them",
            ),
            "no-agency": Sentence(
                "Quyền cơ quan giải quyết cần mã định danh của cơ quan; hãy ghi mã đó.",
                "the role agency needs the code of the agency; name it",
            ),
            "other-seat": Sentence(
                "Cơ quan {agency} thuộc địa bàn {seat}; hãy ghi đúng địa bàn đó.",
                "{agency} belongs to {seat}; name that jurisdiction",
            ),
            "agency-alone": Sentence(
                "Vị trí tại cơ quan {agency} chỉ có quyền cơ quan giải quyết; quyền khác cần một vị trí riêng.",
                "a post at {agency} has the role agency alone; grant other roles by a post of their own",
            ),
        },
    ),
    "no-deputy": ProblemWords(
        Sentence("Không ủy quyền được cho vị trí này", "No deputy to delegate to"),
        {
            "agency": Sentence(
                "“{position}” là vị trí tại cơ quan; người chủ trì chỉ ủy quyền cho cấp phó của mình.",
                "'{position}' is a post at an agency; the chair delegates to a deputy",
            ),
            "chair": Sentence(
                "“{position}” đã có quyền của người chủ trì; không cần ủy quyền.",
                "'{position}' has the chair's role already; there is nothing to delegate",
            ),
            "beyond-post": Sentence(
                "Cấp phó phải giữ vị trí “{position}” trong suốt thời gian ủy quyền; hãy chọn những ngày đó.",
                "the deputy holds '{position}' on all days of a delegation; name such days",
            ),
        },
    ),
    "delegation-not-passed-on": ProblemWords(
        Sentence("Không được ủy quyền lại", "A delegation is not passed on"),
        {
            "": Sentence(
                "Bạn đang thực hiện theo ủy quyền nên không được ủy quyền lại; hãy đề nghị người chủ trì.",
                "who acts by a delegation does not delegate further; ask the chair",
            )
        },
    ),
    "plan-already-adopted": ProblemWords(
        Sentence("Kế hoạch đối thoại đã được ghi nhận", "The plan is already recorded"),
        {
            "": Sentence(
                "Kế hoạch số {number} năm {year} đã được ghi nhận; hãy kiểm tra lại số và năm.",
                "the plan {number} of {year} is recorded; check its number and year",
            )
        },
    ),
    "waiver-not-provided": ProblemWords(
        Sentence("Quy định không cho miễn việc này", "The policy provides no waiver"),
        {
            "": Sentence(
                "Quy định hiện hành không cho miễn việc “{duty}”; hãy thực hiện việc này.",
                "the policy in force lets nobody off {duty}",
            )
        },
    ),
    "calendar-already-there": ProblemWords(
        Sentence("Năm này đã có lịch làm việc", "The year has a calendar"),
        {
            "": Sentence(
                "Năm {year} đã có lịch làm việc; hãy công bố phiên bản mới thay vì đề xuất.",
                "{year} has a calendar; publish another version instead",
            )
        },
    ),
    "case-ended": ProblemWords(
        Sentence("Vụ việc đã kết thúc", "The case has ended"),
        {
            "": Sentence(
                "Vụ việc đã kết thúc ngày {ended_on} ({ended}); hãy mở lại vụ việc trước.",
                "the case ended ({ended}) on {ended_on}; reopen it",
            ),
            "merged": Sentence(
                "Kiến nghị đã được gộp ngày {ended_on} vào kiến nghị {survivor}; hãy thực hiện trên kiến nghị đó.",
                "the case ended (merged) on {ended_on}; act on {survivor}",
            ),
        },
    ),
    "answering-withdrawn-petition": ProblemWords(
        Sentence("Kiến nghị đã được rút", "The petition was withdrawn"),
        {
            "": Sentence(
                "Kiến nghị đã được rút, không trả lời nữa; hãy mở lại vụ việc, hoặc thu hồi ghi nhận rút kiến "
                "nghị trước.",
                "the petition was withdrawn; reopen it or annul the withdrawal first",
            )
        },
    ),
    "dated-before-receipt": ProblemWords(
        Sentence("Trước ngày tiếp nhận kiến nghị", "Dated before the receipt"),
        {
            "": Sentence(
                "Ngày {day} trước ngày tiếp nhận kiến nghị {received_on}; hãy chọn ngày {received_on} hoặc muộn hơn.",
                "{day} is before the receipt on {received_on}; name that day or a later one",
            )
        },
    ),
    "unknown-petition": ProblemWords(
        Sentence("Không có kiến nghị này", "Unknown petition"),
        {
            "": Sentence(
                "Không có kiến nghị {petition_id}; hãy kiểm tra lại mã.",
                "there is no petition {petition_id}; check the id",
            )
        },
    ),
    "already-forwarded": ProblemWords(
        Sentence("Đã chuyển cho cơ quan này", "Already forwarded"),
        {
            "": Sentence(
                "Kiến nghị đã được chuyển cho {agency} chuẩn bị nội dung trả lời; không cần chuyển lại.",
                "{agency} has the petition already; there is no need to forward it again",
            )
        },
    ),
    "never-forwarded": ProblemWords(
        Sentence("Chưa chuyển kiến nghị cho cơ quan này", "Never forwarded"),
        {
            "": Sentence(
                "Kiến nghị chưa được chuyển cho {agency}; hãy chuyển trước.", "forward the petition to {agency} first"
            ),
            "no-part": Sentence(
                "Kiến nghị chưa được chuyển hoặc phân công cho {agency}; hãy chuyển hoặc phân công trước.",
                "the petition was neither forwarded nor assigned to {agency}; do one of them first",
            ),
        },
    ),
    "already-scheduled": ProblemWords(
        Sentence("Đã có trong chương trình hội nghị", "Already on an agenda"),
        {
            "": Sentence(
                "Kiến nghị đã có trong chương trình của hội nghị này; không cần đưa vào lần nữa.",
                "the petition is on this agenda already",
            ),
            "elsewhere": Sentence(
                "Kiến nghị đang có trong chương trình của hội nghị {conference_id}; hãy chờ hội nghị đó kết thúc "
                "hoặc thu hồi ghi nhận đó trước.",
                "the petition is on the agenda of {conference_id}; wait for its end or annul that record first",
            ),
        },
    ),
    "already-raised": ProblemWords(
        Sentence("Đã nêu tại hội nghị này", "Already raised"),
        {
            "": Sentence(
                "Kiến nghị đã được ghi nhận là nêu tại hội nghị này; không cần ghi nhận lần nữa.",
                "the petition was raised there before",
            )
        },
    ),
    "never-raised": ProblemWords(
        Sentence("Chưa nêu tại hội nghị", "Never raised"),
        {
            "": Sentence(
                "Chưa ghi nhận kiến nghị được nêu tại hội nghị này; hãy ghi nhận việc đó trước.",
                "record first that the petition was raised there",
            ),
            "notice": Sentence(
                "Thông báo kết luận chỉ phân công kiến nghị đã nêu tại hội nghị; hãy ghi nhận việc nêu trước.",
                "a conclusion notice assigns what was raised at the conference; record that first",
            ),
            "line": Sentence(
                "Kiến nghị {petition_id} không có trong chương trình và chưa được nêu tại hội nghị này; hãy ghi nhận "
                "việc nêu trước, hoặc bỏ dòng này.",
                "{petition_id} was neither on the agenda nor raised there; record that first or leave the line out",
            ),
        },
    ),
    "conference-elsewhere": ProblemWords(
        Sentence("Hội nghị của địa bàn khác", "A conference of another jurisdiction"),
        {
            "": Sentence(
                "Hội nghị thuộc địa bàn {conference_place}, kiến nghị thuộc địa bàn {petition_place}; hãy chọn "
                "hội nghị của địa bàn đó hoặc của cấp trên.",
                "the conference is of {conference_place}, the petition of {petition_place}; name a conference of "
                "that jurisdiction or of one above it",
            )
        },
    ),
    "already-assigned": ProblemWords(
        Sentence("Đã có cơ quan chủ trì", "Already assigned"),
        {
            "": Sentence(
                "Kiến nghị đã được phân công cho cơ quan chủ trì {agency}; hãy chuyển cơ quan giải quyết.",
                "{agency} has the case; reassign it",
            )
        },
    ),
    "never-assigned": ProblemWords(
        Sentence("Chưa phân công", "Never assigned"),
        {
            "": Sentence(
                "Kiến nghị chưa được phân công cho cơ quan nào; hãy phân công.", "nobody has the case yet; assign it"
            ),
            "other-agency": Sentence(
                "Kiến nghị không được phân công cho {agency}; hãy phân công trước.",
                "the case is not assigned to {agency}; assign it first",
            ),
        },
    ),
    "already-complex": ProblemWords(
        Sentence("Đã xác định mức độ phức tạp", "Already decided to be complex"),
        {
            "": Sentence(
                "Kiến nghị đã được xác định là trường hợp “{variant}”; không cần xác định lần nữa.",
                "the case was decided to be {variant} before",
            )
        },
    ),
    "nothing-to-extend": ProblemWords(
        Sentence("Chưa có thời hạn trả lời để gia hạn", "Nothing to extend"),
        {
            "": Sentence(
                "Kiến nghị chưa có thời hạn trả lời đang tính nên không thể gia hạn; hãy ghi nhận việc làm phát "
                "sinh thời hạn (như kết thúc hội nghị đã nêu kiến nghị), hoặc tiếp tục thời hạn đang tạm dừng.",
                "no reply clock runs for this petition; record first what starts it, such as the closing of the "
                "conference at which it was raised, or that a suspended clock runs again",
            )
        },
    ),
    "extension-not-later": ProblemWords(
        Sentence("Không muộn hơn hạn hiện tại", "Not later than the due date"),
        {
            "": Sentence(
                "Ngày dự kiến {day} không muộn hơn hạn trả lời hiện tại {due}; hãy chọn ngày sau ngày {due}.",
                "{day} is not after the due date {due}; name a later day",
            )
        },
    ),
    "variant-not-provided": ProblemWords(
        Sentence("Quy định không có thời hạn riêng", "The policy has no such limit"),
        {
            "": Sentence(
                "Quy định hiện hành không có thời hạn riêng cho trường hợp “{variant}”; hãy chọn trường hợp khác.",
                "the policy in force has no limit of its own for {variant}; name another variant",
            )
        },
    ),
    "extension-not-provided": ProblemWords(
        Sentence("Quy định không cho gia hạn", "The policy provides no extension"),
        {
            "": Sentence(
                "Quy định hiện hành không cho gia hạn; hãy trả lời đúng hạn.", "the policy in force allows no extension"
            ),
            "used-up": Sentence(
                "Quy định hiện hành chỉ cho gia hạn {times} lần; không thể gia hạn thêm.",
                "the policy in force allows {times} and no more",
            ),
        },
    ),
    "extension-too-long": ProblemWords(
        Sentence("Gia hạn quá dài", "The extension is too long"),
        {
            "": Sentence(
                "Quy định hiện hành chỉ cho gia hạn đến ngày {most}; hãy chọn ngày {most} hoặc sớm hơn.",
                "the policy in force allows at most {most}; name that day or an earlier one",
            )
        },
    ),
    "suspension-not-provided": ProblemWords(
        Sentence("Quy định không cho tạm dừng thời hạn", "The policy provides no suspension"),
        {
            "": Sentence(
                "Quy định hiện hành không cho tạm dừng thời hạn trả lời.",
                "the policy in force does not let the clock be suspended",
            )
        },
    ),
    "nothing-to-suspend": ProblemWords(
        Sentence("Chưa có thời hạn trả lời để tạm dừng", "Nothing to suspend"),
        {
            "": Sentence(
                "Kiến nghị chưa có thời hạn trả lời đang tính nên không thể tạm dừng.",
                "no reply clock runs for this petition; there is nothing to suspend",
            )
        },
    ),
    "already-suspended": ProblemWords(
        Sentence("Thời hạn đang tạm dừng", "Already suspended"),
        {
            "": Sentence(
                "Thời hạn trả lời đang tạm dừng; hãy ghi nhận việc tiếp tục tính thời hạn trước.",
                "the clock stands still already; record first that it runs again",
            )
        },
    ),
    "never-suspended": ProblemWords(
        Sentence("Thời hạn không tạm dừng", "Never suspended"),
        {
            "": Sentence(
                "Thời hạn trả lời không ở trạng thái tạm dừng; không có gì để tiếp tục tính.",
                "the clock was not suspended; there is nothing to resume",
            )
        },
    ),
    "already-accepted": ProblemWords(
        Sentence("Đã thông báo thụ lý", "Already taken up"),
        {
            "": Sentence(
                "Kiến nghị đã được thông báo thụ lý ngày {accepted_on}; không cần thông báo lần nữa.",
                "the matter was taken up on {accepted_on}",
            ),
            "refusal": Sentence(
                "Kiến nghị đã được thông báo thụ lý ngày {accepted_on}; hãy kết thúc vụ việc và nêu rõ căn cứ.",
                "the matter was taken up on {accepted_on}; close it with a ground",
            ),
        },
    ),
    "already-escalated": ProblemWords(
        Sentence("Đã trình cấp trên", "Already escalated"),
        {
            "": Sentence(
                "Vụ việc đã được trình cấp trên; hãy ghi nhận trả lời của cấp trên trước.",
                "the higher authority has the matter; record its answer first",
            )
        },
    ),
    "never-escalated": ProblemWords(
        Sentence("Chưa trình cấp trên", "Never escalated"),
        {
            "": Sentence(
                "Vụ việc chưa được trình cấp trên, hoặc cấp trên đã trả lời; hãy ghi nhận việc trình trước.",
                "record the escalation first",
            )
        },
    ),
    "reply-number-used": ProblemWords(
        Sentence("Số văn bản trả lời đã được ghi nhận", "The reply number is used"),
        {
            "": Sentence(
                "Văn bản trả lời số {number} đã được ghi nhận; hãy kiểm tra lại số văn bản.",
                "a reply {number} was recorded; check the number",
            )
        },
    ),
    "unknown-reply": ProblemWords(
        Sentence("Không có văn bản trả lời mang số này", "Unknown reply"),
        {
            "": Sentence(
                "Không có văn bản trả lời số {number}; hãy ghi nhận văn bản đó trước.",
                "there is no reply {number}; record it first",
            )
        },
    ),
    "reported-before-reply": ProblemWords(
        Sentence("Báo cáo trước ngày trả lời", "Reported before the reply"),
        {
            "": Sentence(
                "Ngày báo cáo {day} trước ngày của văn bản trả lời {reply_day}; hãy chọn ngày {reply_day} hoặc "
                "muộn hơn.",
                "{day} is before the reply on {reply_day}; name that day or a later one",
            )
        },
    ),
    "closing-without-reply-or-ground": ProblemWords(
        Sentence("Kết thúc khi chưa trả lời, chưa nêu căn cứ", "Closing without reply or ground"),
        {
            "": Sentence(
                "Chỉ kết thúc khi đã có văn bản trả lời; nếu chưa trả lời thì phải nêu rõ căn cứ kết thúc.",
                "there is no reply, so state the ground of the closing",
            )
        },
    ),
    "never-ended": ProblemWords(
        Sentence("Vụ việc chưa kết thúc", "The case is open"),
        {
            "": Sentence(
                "Vụ việc đang được giải quyết; chỉ mở lại vụ việc đã kết thúc.",
                "the case is open; there is nothing to reopen",
            )
        },
    ),
    "reopening-merged-petition": ProblemWords(
        Sentence("Kiến nghị đã được gộp", "The petition was merged"),
        {
            "": Sentence(
                "Kiến nghị đã được gộp và tiếp tục trong kiến nghị {survivor}; hãy thực hiện trên kiến nghị đó, "
                "hoặc thu hồi ghi nhận gộp.",
                "the case goes on in {survivor}; act there or annul the merger",
            )
        },
    ),
    "reopened-before-end": ProblemWords(
        Sentence("Mở lại trước ngày kết thúc", "Reopened before the end"),
        {
            "": Sentence(
                "Vụ việc kết thúc ngày {ended_on}; hãy chọn ngày mở lại là ngày {ended_on} hoặc muộn hơn.",
                "the case ended on {ended_on}; name that day or later",
            )
        },
    ),
    "merging-with-itself": ProblemWords(
        Sentence("Gộp kiến nghị với chính nó", "Merging with itself"),
        {
            "": Sentence(
                "Không thể gộp kiến nghị với chính nó; hãy chọn một kiến nghị khác.",
                "a petition is not merged into itself; name another petition",
            )
        },
    ),
    "merging-into-ended-petition": ProblemWords(
        Sentence("Gộp vào kiến nghị đã kết thúc", "Merging into an ended petition"),
        {
            "": Sentence(
                "Kiến nghị được gộp vào đã kết thúc ({ended}); hãy mở lại kiến nghị đó trước.",
                "the survivor ended ({ended}); reopen it first",
            )
        },
    ),
    "merging-elsewhere": ProblemWords(
        Sentence("Gộp với kiến nghị của địa bàn khác", "Merging across jurisdictions"),
        {
            "": Sentence(
                "Kiến nghị được gộp vào thuộc địa bàn {survivor_place}, kiến nghị này thuộc địa bàn "
                "{petition_place}; chỉ gộp trong cùng địa bàn, hoặc với địa bàn cấp trên, cấp dưới.",
                "the survivor is of {survivor_place}, the petition of {petition_place}; name one of the same "
                "jurisdiction, or of one above or below it",
            )
        },
    ),
    "unknown-conference": ProblemWords(
        Sentence("Không có hội nghị này", "Unknown conference"),
        {
            "": Sentence(
                "Không có hội nghị {conference_id}; hãy kiểm tra lại mã.",
                "there is no conference {conference_id}; check the id",
            )
        },
    ),
    "never-proposed": ProblemWords(
        Sentence("Không có đề xuất để quyết định", "Never proposed"),
        {
            "": Sentence(
                "Hội nghị được lên kế hoạch mà không có đề xuất; không có đề xuất để quyết định.",
                "the conference was planned without a proposal; there is none to decide on",
            )
        },
    ),
    "proposal-already-decided": ProblemWords(
        Sentence("Đề xuất đã được quyết định", "The proposal was decided on"),
        {
            "": Sentence(
                "Đề xuất đã được quyết định; nếu ghi nhận sai, hãy thu hồi ghi nhận đó trước.",
                "the proposal was decided on; annul that record first",
            )
        },
    ),
    "proposal-not-accepted": ProblemWords(
        Sentence("Đề xuất chưa được chấp thuận", "The proposal is not accepted"),
        {
            "": Sentence(
                "Người chủ trì phải chấp thuận đề xuất trước khi lên kế hoạch hội nghị.",
                "the chair has to accept the proposal first",
            )
        },
    ),
    "never-requested": ProblemWords(
        Sentence("Không có yêu cầu đối thoại", "Never requested"),
        {
            "": Sentence(
                "Không có yêu cầu đối thoại theo luật đối với hội nghị này; hãy quyết định về đề xuất.",
                "nobody asked for this dialogue by law; decide on the proposal instead",
            )
        },
    ),
    "already-determined": ProblemWords(
        Sentence("Đã xác định mức độ phức tạp", "Already determined"),
        {
            "": Sentence(
                "Hội nghị đã được xác định là trường hợp “{variant}”; không cần xác định lần nữa.",
                "the conference was decided to be {variant} before",
            )
        },
    ),
    "already-published": ProblemWords(
        Sentence("Đang được công khai", "Already published"),
        {
            "": Sentence(
                "Nội dung này ({what}) đang được công khai qua {channel}; hãy ghi nhận kết thúc công khai trước.",
                "the {what} is public by {channel}; record its end first",
            )
        },
    ),
    "never-published": ProblemWords(
        Sentence("Chưa được công khai", "Never published"),
        {
            "": Sentence(
                "Nội dung này ({what}) không được công khai qua {channel}; hãy ghi nhận bắt đầu công khai trước.",
                "the {what} is not public by {channel}; record its start first",
            )
        },
    ),
    "already-planned": ProblemWords(
        Sentence("Hội nghị đã có kế hoạch", "Already planned"),
        {
            "": Sentence(
                "Hội nghị đã được ấn định ngày; hãy dời ngày hội nghị.", "the conference has its days; reschedule it"
            )
        },
    ),
    "never-planned": ProblemWords(
        Sentence("Hội nghị chưa có kế hoạch", "Never planned"),
        {
            "": Sentence(
                "Hội nghị chưa được ấn định ngày; hãy lên kế hoạch hội nghị trước.", "plan the conference first"
            )
        },
    ),
    "dated-before-conference": ProblemWords(
        Sentence("Trước diễn biến của hội nghị", "Dated before what it follows"),
        {
            "begun": Sentence(
                "Việc đầu tiên của hội nghị được ghi nhận ngày {day}; hãy chọn ngày {day} hoặc muộn hơn.",
                "the conference's first act is of {day}; name that day or a later one",
            ),
            "opened": Sentence(
                "Hội nghị khai mạc ngày {day}; hãy chọn ngày {day} hoặc muộn hơn.",
                "the conference opened on {day}; name that day or a later one",
            ),
            "closed": Sentence(
                "Hội nghị kết thúc ngày {day}; hãy chọn ngày {day} hoặc muộn hơn.",
                "the conference closed on {day}; name that day or a later one",
            ),
        },
    ),
    "planned-after-its-day": ProblemWords(
        Sentence("Lên kế hoạch sau ngày hội nghị", "Planned after its day"),
        {
            "": Sentence(
                "Ngày khai mạc {first_day} trước ngày lên kế hoạch {act_day}; hãy chọn ngày {act_day} hoặc muộn hơn.",
                "{first_day} is before the day of the act, {act_day}; name that day or a later one",
            )
        },
    ),
    "names-another-date": ProblemWords(
        Sentence("Nêu ngày khác ngày hội nghị", "It names another date"),
        {
            "": Sentence(
                "Hội nghị được ấn định vào ngày {first_day}; thông báo, giấy mời phải ghi đúng ngày đó.",
                "the conference is planned for {first_day}; name that day",
            )
        },
    ),
    "conference-is-cancelled": ProblemWords(
        Sentence("Hội nghị đã bị hủy", "The conference was cancelled"),
        {
            "": Sentence(
                "Hội nghị đã bị hủy; hãy lên kế hoạch một hội nghị khác.",
                "the conference was cancelled; plan another one",
            ),
            "schedule": Sentence(
                "Hội nghị đã bị hủy; hãy chọn một hội nghị khác.", "the conference was cancelled; name another one"
            ),
        },
    ),
    "conference-already-opened": ProblemWords(
        Sentence("Hội nghị đã khai mạc", "The conference was opened"),
        {
            "": Sentence(
                "Hội nghị đã khai mạc ngày {opened_on}; việc này chỉ thực hiện trước khi khai mạc.",
                "the conference opened on {opened_on}; this is done before the opening",
            ),
            "late": Sentence(
                "Hội nghị đã khai mạc ngày {opened_on}; hãy chọn ngày {opened_on} hoặc sớm hơn.",
                "the conference opened on {opened_on}; name that day or an earlier one",
            ),
        },
    ),
    "opening-on-another-day": ProblemWords(
        Sentence("Khai mạc khác ngày đã ấn định", "Opening on another day"),
        {
            "": Sentence(
                "Hội nghị được ấn định vào ngày {first_day}; hãy dời ngày hội nghị trước.",
                "the conference is planned for {first_day}; reschedule it first",
            )
        },
    ),
    "conference-never-opened": ProblemWords(
        Sentence("Hội nghị chưa khai mạc", "The conference was never opened"),
        {
            "": Sentence("Hội nghị chưa khai mạc; hãy ghi nhận khai mạc trước.", "record the opening first"),
            "closing": Sentence(
                "Hội nghị chưa khai mạc nên không thể kết thúc; hãy ghi nhận khai mạc trước.",
                "a conference that was never opened cannot be closed; record the opening",
            ),
        },
    ),
    "conference-already-closed": ProblemWords(
        Sentence("Hội nghị đã kết thúc", "The conference was closed"),
        {
            "": Sentence(
                "Hội nghị đã kết thúc ngày {closed_on}; không cần ghi nhận lần nữa.",
                "the conference closed on {closed_on}; there is nothing more to close",
            ),
            "late": Sentence(
                "Hội nghị đã kết thúc ngày {closed_on}; hãy chọn ngày {closed_on} hoặc sớm hơn.",
                "the conference closed on {closed_on}; name that day or an earlier one",
            ),
            "schedule": Sentence(
                "Hội nghị đã kết thúc ngày {closed_on}; hãy chọn hội nghị khác, hoặc ghi ngày {closed_on} hoặc "
                "sớm hơn.",
                "the conference closed on {closed_on}; name another one, or act on that day or earlier",
            ),
        },
    ),
    "conference-not-closed": ProblemWords(
        Sentence("Hội nghị chưa kết thúc", "The conference is not closed"),
        {
            "": Sentence(
                "Hội nghị chưa kết thúc; hãy ghi nhận kết thúc hội nghị trước.",
                "record the closing of the conference first",
            )
        },
    ),
    "outside-the-conference": ProblemWords(
        Sentence("Ngoài thời gian hội nghị", "Outside the conference"),
        {
            "": Sentence(
                "Hội nghị khai mạc ngày {opened_on}; hãy chọn ngày {opened_on} hoặc muộn hơn.",
                "the conference opened on {opened_on}; name that day or a later one",
            )
        },
    ),
    "task-already-assigned": ProblemWords(
        Sentence("Nhiệm vụ chuẩn bị đã được giao", "The task was given out"),
        {
            "": Sentence(
                "Nhiệm vụ “{task}” đã được giao; hãy đặt tên khác cho nhiệm vụ mới.",
                "'{task}' was given out; name another one",
            )
        },
    ),
    "unknown-task": ProblemWords(
        Sentence("Không có nhiệm vụ chuẩn bị này", "Unknown task"),
        {
            "": Sentence(
                "Không có nhiệm vụ “{task}”; hãy giao nhiệm vụ trước.", "there is no task '{task}'; assign it first"
            )
        },
    ),
    "task-already-done": ProblemWords(
        Sentence("Nhiệm vụ chuẩn bị đã hoàn thành", "The task was done"),
        {
            "": Sentence(
                "Nhiệm vụ “{task}” đã được ghi nhận hoàn thành; không cần ghi nhận lần nữa.", "'{task}' was done before"
            )
        },
    ),
    "secretary-missing": ProblemWords(
        Sentence("Hội nghị chưa có thư ký", "The secretary is missing"),
        {"": Sentence("Biên bản do thư ký thông qua; hãy cử thư ký trước.", "appoint a secretary first")},
    ),
    "minutes-already-adopted": ProblemWords(
        Sentence("Biên bản đã được thông qua", "The minutes were adopted"),
        {
            "": Sentence(
                "Biên bản đã được thông qua; nếu ghi nhận sai, hãy thu hồi ghi nhận đó trước.",
                "the minutes were adopted; annul that record first",
            )
        },
    ),
    "speaker-already-registered": ProblemWords(
        Sentence("Đã đăng ký phát biểu", "The speaker is on the list"),
        {
            "": Sentence(
                "“{speaker}” đã có trong danh sách đăng ký phát biểu; không cần đăng ký lại.",
                "'{speaker}' is on the list",
            )
        },
    ),
    "unknown-speaker": ProblemWords(
        Sentence("Chưa đăng ký phát biểu", "Unknown speaker"),
        {"": Sentence("“{speaker}” chưa đăng ký phát biểu; hãy đăng ký trước.", "register '{speaker}' first")},
    ),
    "speaker-already-called": ProblemWords(
        Sentence("Đã được mời phát biểu", "The speaker had the floor"),
        {
            "": Sentence(
                "“{speaker}” đã được mời phát biểu; hãy mời người tiếp theo trong danh sách.",
                "'{speaker}' had the floor; call the next on the list",
            )
        },
    ),
    "speaker-out-of-order": ProblemWords(
        Sentence("Không đúng thứ tự phát biểu", "Out of order"),
        {
            "": Sentence(
                "Theo thứ tự đăng ký là lượt của “{turn}”; nếu mời người khác, hãy nêu lý do của người chủ trì.",
                "it is the turn of '{turn}'; else give chair_reason",
            )
        },
    ),
    "review-already-held": ProblemWords(
        Sentence("Đã đánh giá, rút kinh nghiệm nội bộ", "The review was held"),
        {
            "": Sentence(
                "Việc đánh giá, rút kinh nghiệm nội bộ đã được ghi nhận; nếu ghi nhận sai, hãy thu hồi ghi nhận "
                "đó trước.",
                "the review was held; annul that record first",
            )
        },
    ),
    "conclusion-already-issued": ProblemWords(
        Sentence("Đã ra thông báo kết luận", "The conclusion notice was issued"),
        {
            "": Sentence(
                "Thông báo kết luận đã được ban hành; hãy chuyển cơ quan giải quyết từng kiến nghị, hoặc thu hồi "
                "ghi nhận đó trước.",
                "the notice was issued; reassign, or annul that record first",
            )
        },
    ),
    "unknown-record": ProblemWords(
        Sentence("Không có ghi nhận này", "Unknown record"),
        {
            "": Sentence(
                "Vụ việc này không có ghi nhận {event_id}; hãy kiểm tra lại mã ghi nhận.",
                "this case holds no record {event_id}; check the id",
            ),
            "case": Sentence("Thiếu ghi nhận mở đầu của chính vụ việc này.", "the case itself would be missing"),
        },
    ),
    "already-annulled": ProblemWords(
        Sentence("Ghi nhận đã được thu hồi", "Already annulled"),
        {"": Sentence("Ghi nhận này đã được thu hồi; không cần thu hồi lần nữa.", "the record was taken back before")},
    ),
    "not-annullable": ProblemWords(
        Sentence("Loại ghi nhận này không thu hồi được", "Not annullable"),
        {
            "annulment": Sentence(
                "Việc thu hồi ghi nhận không thể thu hồi; hãy ghi nhận lại việc đó.",
                "{topic} is not taken back; record the act again",
            ),
            "erasure": Sentence(
                "Việc xóa dữ liệu cá nhân không thể thu hồi.", "{topic} is not taken back; what was erased is gone"
            ),
        },
    ),
    "later-facts-rest-on-it": ProblemWords(
        Sentence("Ghi nhận sau dựa vào ghi nhận này", "Later records rest on it"),
        {
            "": Sentence(
                "Ghi nhận “{topic}” ngày {day} dựa vào ghi nhận này; hãy thu hồi ghi nhận đó trước.",
                "{topic} of {day} rests on it ({reason}); annul that first",
            ),
            "petition": Sentence(
                "Ghi nhận “{topic}” ngày {day} của một kiến nghị dựa vào ghi nhận này; hãy thu hồi ghi nhận đó trước.",
                "{topic} of {day} in a petition rests on it; annul that first",
            ),
        },
    ),
    "idempotency-key-reused": ProblemWords(
        Sentence("Đã gửi với nội dung khác", "Idempotency key reused"),
        {
            "": Sentence(
                "Khóa chống gửi lặp này đã được dùng cho nội dung khác; hãy gửi với khóa mới (trên trang web: mở lại "
                "biểu mẫu).",
                "used before with another body; take a new key for a new command (on a page: open the form again)",
            )
        },
    ),
    "reference-used": ProblemWords(
        Sentence("Mã tham chiếu đã được dùng", "Reference used"),
        {
            "": Sentence(
                "Mã tham chiếu này thuộc một ghi nhận khác của cùng nguồn; hãy dùng mã riêng cho mỗi ghi nhận.",
                "belongs to another record of this source; give each record one of its own",
            )
        },
    ),
    "reference-differs": ProblemWords(
        Sentence("Nội dung khác với ghi nhận trước", "Reference differs"),
        {
            "": Sentence(
                "Mã tham chiếu này đã được ghi nhận với nội dung khác ở: {fields}. Lần gửi này chưa được ghi nhận; hãy "
                "ghi phần thay đổi bằng lệnh riêng trên hồ sơ đó, hoặc dùng mã tham chiếu mới nếu là vụ việc khác.",
                "recorded under this reference with another {fields}; nothing new was recorded: record the change by "
                "an act on that case, or send another matter under a reference of its own",
            )
        },
    ),
    "reference-annulled": ProblemWords(
        Sentence("Ghi nhận đã bị thu hồi", "Reference annulled"),
        {
            "": Sentence(
                "Ghi nhận mang mã tham chiếu này đã bị thu hồi; nếu vẫn cần ghi nhận, hãy gửi với mã tham chiếu mới.",
                "what was recorded under this reference was annulled; to record it anew, send it under a new one",
            )
        },
    ),
    "reference-erased": ProblemWords(
        Sentence("Dữ liệu cá nhân đã bị xóa", "Reference erased"),
        {
            "": Sentence(
                "Dữ liệu cá nhân của kiến nghị mang mã tham chiếu này đã bị xóa theo yêu cầu; không ghi nhận thêm gì.",
                "the personal data of the petition under this reference were erased; a push records nothing on it",
            )
        },
    ),
    "source-version-reused": ProblemWords(
        Sentence("Cùng phiên bản nhưng khác nội dung", "Version reused"),
        {
            "": Sentence(
                "Phiên bản {source_version} đã được gửi với nội dung khác ở: {fields}; hãy gửi thay đổi với phiên bản "
                "mới hơn.",
                "version {source_version} was pushed with another {fields}; push a change under a later version",
            )
        },
    ),
    "conflict-decided": ProblemWords(
        Sentence("Khác biệt đã được xử lý", "Conflict decided"),
        {
            "": Sentence(
                "Khác biệt này đã được xử lý trước đó ({state}).",
                "the conflict was decided before: it is {state}",
            )
        },
    ),
    "partly-recorded": ProblemWords(
        Sentence("Đã ghi nhận một phần", "Partly recorded"),
        {
            "": Sentence(
                "Phần mang mã tham chiếu này đã được ghi nhận trước, các phần khác thì chưa. Lần gửi này chưa được ghi "
                "nhận; hãy bỏ phần này và dẫn các phần khác đến hồ sơ đã có.",
                "a part with this reference was recorded before, and others were not; nothing new was recorded: leave "
                "this part out, and let the others name the case that there is",
            )
        },
    ),
    "stale-version": ProblemWords(
        Sentence("Vụ việc vừa thay đổi", "Stale version"),
        {
            "": Sentence(
                "Vụ việc vừa thay đổi (phiên bản hiện tại là {current}); hãy xem lại rồi quyết định.",
                "the current version is {current}; read it and decide again",
            )
        },
    ),
    "not-found": _with(
        DOOR_WORDS["not-found"],
        {
            "petition": Sentence(
                "Không có kiến nghị này trong địa bàn của bạn; hãy kiểm tra lại mã.",
                "there is no such petition within your jurisdiction",
            ),
            "conflict": Sentence(
                "Không có khác biệt này trong địa bàn của bạn; hãy kiểm tra lại mã.",
                "there is no such conflict within your jurisdiction",
            ),
            "conference": Sentence(
                "Không có hội nghị này trong địa bàn của bạn; hãy kiểm tra lại mã.",
                "there is no such conference within your jurisdiction",
            ),
            "target": Sentence(
                "Không có {aggregate} {target}; hãy kiểm tra lại mã.", "there is no {aggregate} {target}"
            ),
            "no-id": Sentence(
                "Chưa xác định được {aggregate}; hãy nêu mã định danh (UUID) của {aggregate}.",
                "which {aggregate} is meant is not said; name it by its id, a UUID",
            ),
            "no-code": Sentence(
                "“{text}” không phải là mã định danh điện tử; mã gồm chữ không dấu và số, cách nhau bằng dấu "
                "chấm, tối đa {most} ký tự.",
                "'{text}' is no agency code: dotted letters and digits, at most {most} characters",
            ),
            "file": Sentence(
                "Chưa ai gửi tệp này lên; hãy hỏi nơi giữ bản gốc.",
                "nobody has uploaded this file: ask whoever keeps the original",
            ),
            "nothing-to-erase": Sentence(
                "Người kiến nghị này không có dữ liệu nào để xóa.", "this petitioner has nothing that could be erased"
            ),
            "nothing-to-erase-person": Sentence(
                "Người dùng này không còn họ tên nào được lưu riêng để xóa.",
                "no name of this person is kept that could be erased",
            ),
            "no-petition": Sentence(
                "Người kiến nghị này không có kiến nghị nào để ghi nhận việc xóa.",
                "this petitioner has no petition in which the erasure could be recorded",
            ),
        },
    ),
    "contended": ProblemWords(
        Sentence("Nhiều người đang sửa cùng lúc", "Contended"),
        {
            "": Sentence(
                "Nhiều người đang sửa cùng lúc; chưa ghi nhận gì, hãy gửi lại.",
                "others changed what this rests on, again and again; send it again with the same key",
            )
        },
    ),
}
#: What values of place-holders are called in Vietnamese.
REFUSAL_NAMES: Names = {
    **DOOR_NAMES,
    "duty": {name: kind.title.vi for name, kind in DUTY_KINDS.items()},
    "topic": {topic: title.vi for topic, title in EVENT_TITLES.items()},
    "variant": {trait: title.vi for trait, title in TRAIT_TITLES.items()},
    "channel": {channel: title.vi for channel, title in CHANNEL_TITLES.items()},
    "ended": {
        "answered": "đã trả lời tại hội nghị",
        "withdrawn": "đã rút",
        "redirected": "đã hướng dẫn sang thủ tục khác",
        "merged": "đã gộp vào kiến nghị khác",
        "closed": "đã kết thúc",
        "refused": "không thụ lý",
    },
    "aggregate": {
        "petition": "kiến nghị",
        "conference": "hội nghị",
        "jurisdiction": "địa bàn",
        "agency": "cơ quan",
        "policy": "quy định về thời hạn",
        "calendar": "lịch làm việc",
        "plan": "kế hoạch đối thoại",
        "catalogue": "danh mục",
        "person": "người dùng",
        "post": "vị trí công tác",
        "delegation": "ủy quyền",
    },
}
