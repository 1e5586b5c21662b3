"""The words of the problems that doors answer with: in shared rooms, entry points and the console. Pure.

A rule of intake's domain has its words in `services/intake/domain/refusal_words.py`, which builds on these.
"""

from collections.abc import Mapping

from shared.sentences import Names, ProblemWords, Sentence

#: The problem codes, each with its title and its sentences.
DOOR_WORDS: Mapping[str, ProblemWords] = {
    "role-may-not": ProblemWords(
        Sentence("Vai trò không được thực hiện việc này", "The role may not do this"),
        {
            "needs": Sentence(
                "Vai trò của bạn không được thực hiện việc này; cần một trong các vai trò: {roles}.",
                "this needs one of the roles {roles}",
            )
        },
    ),
    "jurisdiction-may-not": ProblemWords(
        Sentence("Ngoài địa bàn được phân quyền", "Outside the caller's jurisdiction"),
        {
            "everything": Sentence(
                "Dữ liệu này gồm cả các địa bàn ngoài phạm vi của bạn; cần quyền trên toàn bộ các địa bàn.",
                "this holds jurisdictions beyond your own; it takes a caller whose jurisdiction covers them all",
            ),
            "report": Sentence(
                "Địa bàn {place} nằm ngoài phạm vi của bạn; hãy chọn địa bàn trong phạm vi của mình.",
                "{place} is outside your own jurisdiction; name one within it",
            ),
        },
    ),
    "agency-may-not": ProblemWords(
        Sentence("Cơ quan không được thực hiện việc này", "The agency may not do this"),
        {
            "report": Sentence(
                "Bạn không được xem báo cáo của {agency}; hãy chọn cơ quan của mình.",
                "a report of {agency} is not for you; name your own agency",
            )
        },
    ),
    "invalid-value": ProblemWords(
        Sentence("Giá trị không hợp lệ", "Invalid value"),
        {
            "not-pushed": Sentence(
                "Chỉ lệnh {command} mới có phiên bản của bản ghi.", "only {command} is a push and has a version"
            ),
            "anchor": Sentence(
                "Không có mốc tính thời hạn “{anchor}”; hãy chọn một trong: {known}.", "'{anchor}' is none of {known}"
            ),
            "clock-year": Sentence(
                "Đồng hồ chỉ được đặt từ năm {first} đến năm {last}, không thể là năm {year}.",
                "{year} is outside {first} to {last}, which the clock may show",
            ),
            "clock-duration": Sentence(
                "“{text}” không phải là khoảng thời gian về sau; hãy viết theo ISO 8601, ví dụ P15D hoặc PT1H.",
                "'{text}' is no duration ahead; write it as ISO 8601 does, such as P15D or PT1H",
            ),
            "clock-instant": Sentence(
                "“{text}” không phải là thời điểm có múi giờ, cũng không phải next-deadline.",
                "'{text}' is neither an instant with its offset nor next-deadline",
            ),
            "clock-one": Sentence("Hãy nêu đúng một trong hai: to hoặc by.", "give one of to and by, and not both"),
            "petition": Sentence(
                "Hãy nêu petition_id, hoặc source và external_id, của một kiến nghị.",
                "name a petition by petition_id, or by source and external_id",
            ),
            "no-date": Sentence(
                "“{text}” không phải là ngày; hãy viết theo mẫu YYYY-MM-DD (năm-tháng-ngày).",
                "'{text}' is no date; write it as YYYY-MM-DD",
            ),
            "document": Sentence(
                "Không có văn bản “{document}”; hãy chọn một trong: {known}.", "'{document}' is none of {known}"
            ),
        },
    ),
    "invalid-code": ProblemWords(
        Sentence("Mã định danh điện tử không đúng", "Invalid electronic identifier"),
        {
            "": Sentence(
                "“{text}” không phải là mã định danh điện tử; mã gồm chữ không dấu và số, cách nhau bằng dấu "
                "chấm, tối đa {most} ký tự.",
                "'{text}' is no agency code: dotted letters and digits, at most {most} characters",
            )
        },
    ),
    "invalid-policy": ProblemWords(
        Sentence("Quy định về thời hạn chưa hợp lệ", "Invalid policy"),
        {
            "": Sentence(
                "Quy định về thời hạn chưa tính được; hãy sửa: {problems}.",
                "the policy cannot be counted with: {problems}",
            )
        },
    ),
    "calendar-year-missing": ProblemWords(
        Sentence("Năm chưa có lịch làm việc", "The year has no calendar"),
        {
            "count": Sentence(
                "Thời hạn kéo sang năm {year}, năm này chưa có lịch làm việc; hãy công bố lịch trước.",
                "the count reaches {year}, which has no calendar; publish one first",
            )
        },
    ),
    "not-found": ProblemWords(
        Sentence("Không tìm thấy", "Not found"),
        {
            "problem": Sentence(
                "Không có loại lỗi nào mang mã này; danh sách ở /v1/problems.",
                "no problem has this code; /v1/problems lists them",
            ),
            "schema": Sentence(
                "Không có sự kiện nào mang tên này; danh sách ở /v1/schemas.",
                "no event has this name; /v1/schemas lists them",
            ),
            "no-folder": Sentence(
                "Hệ thống này chưa có kho tệp; người vận hành đặt INTAKE_FILES.",
                "this intake keeps no files: its operator names a folder in INTAKE_FILES",
            ),
            "reference": Sentence(
                "Chưa có ghi nhận nào được gửi với mã tham chiếu này.", "nothing was pushed under this reference"
            ),
            "calendar": Sentence(
                "Năm {year} chưa có lịch làm việc; hãy công bố lịch.", "there is no calendar of {year}; publish one"
            ),
            "year": Sentence(
                "Năm {year} nằm ngoài khoảng từ năm {first} đến năm {last}.", "{year} is outside {first} to {last}"
            ),
            "within-scope": Sentence(
                "Không tìm thấy {what} trong phạm vi bạn được xem.", "there is no such {what} within what you may see"
            ),
            "no-source": Sentence(
                "Chưa đọc dữ liệu từ hệ thống tiếp nhận nào nên chưa có gì để báo cáo.",
                "no source has been read yet: there is nothing to report",
            ),
            "address": Sentence(
                "Không có gì ở địa chỉ này; hãy kiểm tra lại địa chỉ.", "there is nothing at this address"
            ),
        },
    ),
    "no-answer": ProblemWords(
        Sentence("Chưa có trả lời", "No answer"),
        {
            "": Sentence(
                "Hiện chưa có tiến trình nào của dịch vụ trả lời. Lệnh vẫn có thể được ghi nhận: hãy gửi lại với cùng "
                "khóa, việc gửi lại không ghi nhận hai lần.",
                "No process of the service answers now. A command may still be recorded: send it again with the same "
                "key, it is recorded once.",
            )
        },
    ),
    "several-sources": ProblemWords(
        Sentence("Có ở nhiều nguồn dữ liệu", "Several sources have it"),
        {
            "": Sentence(
                "Nội dung này có ở nhiều nguồn dữ liệu ({sources}); hãy nêu một nguồn.",
                "several sources have it: {sources}; name one of them by `source`",
            )
        },
    ),
    "unauthenticated": ProblemWords(
        Sentence("Chưa đăng nhập", "Unauthenticated"),
        {
            "no-token": Sentence(
                "Chưa đăng nhập; hãy đăng nhập bằng mã truy cập (Authorization: Bearer).",
                "send `Authorization: Bearer TOKEN`",
            ),
            "unknown-token": Sentence(
                "Mã truy cập không đúng; hãy kiểm tra lại hoặc xin cấp mã mới.",
                "this token is not known here; check it or ask for a new one",
            ),
            "no-session": Sentence(
                "Phiên làm việc đã kết thúc; hãy đăng nhập lại.", "the session has ended; sign in again"
            ),
            "token-not-taken": Sentence(
                "Bạn đã đăng nhập, nhưng hệ thống tiếp nhận không nhận mã truy cập của phiên này. Đăng nhập lại không "
                "sửa được; hãy báo người vận hành hệ thống: mã truy cập phải là JWT ghi đúng đối tượng (audience).",
                "You signed in, but intake does not take the access token of this session. Signing in again does not "
                "help: tell who runs the service that the token has to be a JWT for the right audience.",
            ),
            "expired-token": Sentence(
                "Phiên đăng nhập đã hết hạn; hãy đăng nhập lại hoặc lấy mã truy cập mới.",
                "the access token has expired; get a new one from the provider",
            ),
            "unknown-user": Sentence(
                "Hàng đợi không xác nhận được người gửi; hãy gửi bằng tài khoản đã đăng ký.",
                "the broker vouched for nobody known here; send as a registered user",
            ),
            "": Sentence("Chưa đăng nhập, hoặc mã truy cập không đúng.", "the request is not authenticated"),
        },
    ),
    "too-many-requests": ProblemWords(
        Sentence("Gọi quá nhiều lần", "Too many requests"),
        {
            "": Sentence(
                "Quá {most} lần gọi trong {window} giây; hãy chờ số giây ghi ở Retry-After rồi gửi lại.",
                "more than {most} requests in {window} seconds; wait the seconds of `Retry-After` and send it again",
            ),
            "sinks": Sentence(
                "Đang có {most} lần gọi chờ địa chỉ nhận webhook trả lời; hãy chờ rồi gửi lại.",
                "{most} of your requests wait for the answer of a sink; wait for one of them and send it again",
            ),
            "days": Sentence(
                "Đang có {most} lần gọi của bạn chờ đối soát một ngày; hãy chờ rồi gửi lại.",
                "{most} of your requests wait for the comparison of a day; wait for one of them and send it again",
            ),
        },
    ),
    "unusable-claims": ProblemWords(
        Sentence("Mã truy cập chưa nêu đủ quyền", "The token does not say what its holder may"),
        {
            "name": Sentence(
                "Mã truy cập phải nêu tên hệ thống gọi trong {claims}, tối đa {longest} ký tự, không phải tên riêng "
                "của phần mềm.",
                "the token names its client in one of {claims}, in at most {longest} characters, and not by a name of "
                "the product's own",
            ),
            "role": Sentence(
                "Mã truy cập phải nêu một vai trò, như role:system; các vai trò: {known}.",
                "the token says one role, such as `role:system`, of {known}",
            ),
            "admin": Sentence(
                "Ở đây mã truy cập của nhà cung cấp không được mang vai trò admin.",
                "tokens of the provider may not carry the role admin here",
            ),
            "place": Sentence(
                "Mã truy cập phải nêu một địa bàn, như place:H35.10, hoặc place:VN cho tất cả; mã địa bàn và mã cơ "
                "quan phải viết đúng.",
                "the token says one place, such as `place:H35.10`, or `place:VN` for all; its codes are well-formed",
            ),
            "agency": Sentence(
                "Chỉ vai trò agency, và luôn luôn, phải nêu mã cơ quan, như agency:H35.10.4.",
                "the role agency, and it alone, says the agency's code, such as `agency:H35.10.4`",
            ),
            "source": Sentence(
                "Mã truy cập nêu tối đa {most} nguồn, mỗi tên không trống và tối đa {longest} ký tự.",
                "the token names at most {most} sources, none empty or longer than {longest} characters",
            ),
            "twice": Sentence(
                "Mã truy cập chỉ nêu một vai trò, một địa bàn, một cơ quan.",
                "the token says one role, one place, one agency",
            ),
            "claim": Sentence(
                "Trường doithoai của mã truy cập là đối tượng gồm role, place, agency, sources.",
                "the claim doithoai is an object of role, place, agency, sources",
            ),
        },
    ),
    "no-post": ProblemWords(
        Sentence("Chưa được giao vị trí công tác", "No post"),
        {
            "": Sentence(
                "Bạn chưa được giao vị trí công tác nào còn hiệu lực; hãy đề nghị người quản trị của đơn vị.",
                "no post of yours stands today; ask the administrator of your place for one",
            ),
            "other": Sentence(
                "Vị trí công tác đã chọn không phải của bạn hoặc không còn hiệu lực; hãy chọn vị trí khác.",
                "the post that was chosen is none of yours that stands today; choose another one",
            ),
        },
    ),
    "post-not-chosen": ProblemWords(
        Sentence("Chưa chọn vị trí công tác", "No post chosen"),
        {
            "": Sentence(
                "Bạn giữ nhiều vị trí công tác; hãy chọn một vị trí cho việc này.",
                "you hold several posts; choose one by the header Doithoai-Post, GET /v1/me names them",
            )
        },
    ),
    "provider-away": ProblemWords(
        Sentence("Chưa kiểm tra được đăng nhập", "Sign-in provider away"),
        {
            "": Sentence(
                "Hệ thống đăng nhập chưa trả lời nên chưa kiểm tra được bạn là ai; hãy thử lại sau ít phút.",
                "the sign-in provider does not answer, so nobody new can be verified; try again in a few minutes",
            )
        },
    ),
    "forbidden": ProblemWords(
        Sentence("Không có quyền", "Forbidden"),
        {"": Sentence("Bạn không có quyền thực hiện việc này.", "this is not for you to do")},
    ),
    "foreign-origin": ProblemWords(
        Sentence("Thao tác từ trang khác", "Foreign origin"),
        {
            "page": Sentence(
                "Chỉ nhận thao tác từ chính trang của hệ thống này; hãy mở lại trang và thực hiện ở đó.",
                "this must come from a page of this service",
            ),
            "form": Sentence(
                "Biểu mẫu này không phải của phiên làm việc hiện tại; chưa ghi nhận gì, hãy gửi lại.",
                "the form is not one of the session that is signed in now: nothing was recorded, send it again",
            ),
            "machine": Sentence(
                "Không có mã truy cập thì chỉ phục vụ chương trình trên chính máy này; hãy gửi kèm mã truy cập.",
                "without a token only this machine's own callers are served",
            ),
        },
    ),
    "invalid-request": ProblemWords(
        Sentence("Yêu cầu không hợp lệ", "Invalid request"),
        {
            "": Sentence("Yêu cầu không hợp lệ; hãy kiểm tra lại.", "the request is not valid: check it"),
            "http": Sentence(
                "Yêu cầu không đúng giao thức HTTP/1.1; hãy kiểm tra chương trình gửi.",
                "this is no request of HTTP/1.1: check the program that sends it",
            ),
            "utf-8": Sentence(
                "Địa chỉ không phải UTF-8; hãy mã hóa lại.", "the address is not UTF-8: encode it as such"
            ),
            "query": Sentence(
                "Phần sau dấu “?” của địa chỉ quá dài: tối đa {most} byte và {parameters} tham số; hãy rút ngắn.",
                "what follows the question mark is too long: at most {most} bytes and {parameters} parameters",
            ),
            "unknown": Sentence(
                "Địa chỉ này không có tham số đó; chỉ nhận: {known}.",
                "there is no such parameter here; it takes {known}",
            ),
            "none": Sentence(
                "Địa chỉ này không nhận tham số nào; hãy bỏ phần sau dấu “?”.",
                "this address takes no parameters: leave out what follows the question mark",
            ),
            "twice": Sentence(
                "Tham số {parameter} chỉ được nêu một lần; hãy bỏ các lần sau.",
                "{parameter} stands there twice; give it once",
            ),
            "missing": Sentence("Thiếu tham số {parameter}; hãy bổ sung.", "{parameter} is missing; add it"),
            "values": Sentence(
                "Tham số {parameter} phải là một trong: {allowed}.", "{parameter} must be one of {allowed}"
            ),
            "range": Sentence(
                "Tham số {parameter} phải là số từ {least} đến {most}.",
                "{parameter} must be a number from {least} to {most}",
            ),
            "length": Sentence(
                "Tham số {parameter} dài tối đa {most} ký tự.", "{parameter} may have at most {most} characters"
            ),
            "instant": Sentence(
                "Tham số {parameter} là một thời điểm kèm múi giờ (2026-03-02T08:15:00%2B07:00); trong địa chỉ, dấu + "
                "viết là %2B.",
                "{parameter} is an instant with its offset (2026-03-02T08:15:00%2B07:00); a + is written %2B there",
            ),
            "kind": Sentence(
                "Tham số {parameter} không đúng kiểu; cần: {kind}.", "{parameter} must be of the kind {kind}"
            ),
        },
    ),
    "method-not-allowed": ProblemWords(
        Sentence("Địa chỉ không nhận thao tác này", "Method not allowed"),
        {"": Sentence("Địa chỉ này không nhận thao tác đó.", "this address does not take that method")},
    ),
    "body-too-large": ProblemWords(
        Sentence("Nội dung gửi lên quá lớn", "Body too large"),
        {
            "": Sentence("Nội dung gửi lên quá lớn: tối đa {most} MiB.", "the body is too large: at most {most} MiB"),
            "bytes": Sentence(
                "Nội dung gửi lên quá lớn: tối đa {most} byte.", "the body is too large: at most {most} bytes"
            ),
        },
    ),
    "unsupported-media-type": ProblemWords(
        Sentence("Kiểu nội dung không được hỗ trợ", "Unsupported media type"),
        {
            "": Sentence("Hãy gửi nội dung kiểu application/json.", "send application/json"),
            "charset": Sentence("Hãy gửi JSON mã hóa UTF-8.", "send JSON in UTF-8"),
            "file": Sentence(
                "Chỉ nhận tệp PDF, DOCX, JPG hoặc PNG; tệp này không phải loại nào trong số đó.",
                "send a PDF, DOCX, JPEG or PNG: by what stands in it, this file is none of them",
            ),
            "encoding": Sentence(
                "Nội dung nén không được nhận; hãy gửi nội dung không nén, bỏ Content-Encoding.",
                "a compressed body is not taken: send it as it is, without Content-Encoding",
            ),
            "yaml": Sentence(
                "Hãy gửi nội dung kiểu application/json hoặc application/yaml.",
                "send application/json or application/yaml",
            ),
            "form": Sentence(
                "Hãy gửi biểu mẫu từ trang này.",
                "send the form: application/x-www-form-urlencoded or multipart/form-data",
            ),
            "url-encoded": Sentence(
                "Hãy gửi biểu mẫu từ trang này, kiểu application/x-www-form-urlencoded.",
                "send the form from its page, as application/x-www-form-urlencoded",
            ),
        },
    ),
    "malformed-form": ProblemWords(
        Sentence("Biểu mẫu không đọc được", "Malformed form"),
        {
            "": Sentence(
                "Biểu mẫu có ký tự không phải UTF-8; hãy gửi lại từ trang này.",
                "the form is not UTF-8: send it from its page",
            ),
            "charset": Sentence(
                "Một phần của biểu mẫu khai bảng mã khác UTF-8; hãy gửi lại bằng UTF-8.",
                "a part of the form says another charset: send it in UTF-8",
            ),
            "boundary": Sentence(
                "Content-Type của biểu mẫu thiếu boundary (1 đến 70 ký tự ASCII); hãy bổ sung rồi gửi lại.",
                "its Content-Type needs a boundary of 1 to 70 ASCII characters: add it",
            ),
            "parts": Sentence(
                "Các phần của biểu mẫu không đúng multipart/form-data hoặc chưa gửi hết; hãy gửi lại từ trang này.",
                "its parts are no multipart/form-data, or it ends early: send it again from its page",
            ),
            "fields": Sentence(
                "Biểu mẫu có quá {most} trường, hoặc phần đầu của một trường quá dài; hãy gửi lại từ trang này.",
                "it has more than {most} fields, or the head of one is too long: send it from its page",
            ),
            "percent": Sentence(
                "Biểu mẫu có dấu “%” mà sau đó không phải hai chữ số thập lục phân; hãy viết dấu này là %25.",
                "a percent sign without two hexadecimal digits after it: write the sign itself as %25",
            ),
        },
    ),
    "malformed-json": ProblemWords(
        Sentence("Nội dung không phải JSON", "Malformed JSON"),
        {
            "": Sentence("Nội dung gửi lên không phải JSON; hãy sửa rồi gửi lại.", "the body is not JSON"),
            "at": Sentence(
                "Nội dung gửi lên không phải JSON từ dòng {line}, cột {column}; hãy sửa rồi gửi lại.",
                "the body is no JSON from line {line}, column {column} on",
            ),
            "ends": Sentence(
                "Nội dung JSON gửi lên chưa hết: dừng ở dòng {line}, cột {column}; hãy gửi đủ.",
                "the JSON of the body ends too early, at line {line}, column {column}: send all of it",
            ),
            "utf-8": Sentence(
                "Nội dung gửi lên không phải văn bản UTF-8; hãy mã hóa UTF-8 rồi gửi lại.", "the body is not UTF-8"
            ),
            "json-in-utf-8": Sentence(
                "Nội dung gửi lên không phải JSON mã hóa UTF-8; hãy sửa rồi gửi lại.", "the body is not JSON in UTF-8"
            ),
        },
    ),
    "malformed-yaml": ProblemWords(
        Sentence("Nội dung không phải YAML", "Malformed YAML"),
        {
            "": Sentence(
                "Nội dung gửi lên không phải văn bản UTF-8; hãy lưu lại dạng UTF-8 rồi gửi lại.",
                "the body is not UTF-8",
            )
        },
    ),
    "invalid-body": ProblemWords(
        Sentence("Nội dung gửi chưa đúng", "Invalid body"),
        {
            "": Sentence(
                "Giá trị của trường này không nhận được; hãy xem lại tài liệu rồi gửi lại.",
                "this value cannot be taken; see the description of the field",
            ),
            "missing": Sentence("Thiếu trường này; hãy bổ sung.", "this field is missing; add it"),
            "unknown": Sentence(
                "Không có trường này; hãy kiểm tra tên hoặc bỏ đi.", "there is no such field here; check its name"
            ),
            "choice": Sentence("Phải là một trong: {allowed}.", "must be one of {allowed}"),
            "type": Sentence("Sai kiểu giá trị; cần: {expected}.", "the wrong kind of value; write: {expected}"),
            "at-most": Sentence("Lớn nhất là {bound}.", "at most {bound}"),
            "at-least": Sentence("Nhỏ nhất là {bound}.", "at least {bound}"),
            "at-most-long": Sentence("Dài tối đa {bound} ký tự hoặc mục.", "at most {bound} characters or entries"),
            "at-least-long": Sentence("Dài ít nhất {bound} ký tự hoặc mục.", "at least {bound} characters or entries"),
            "range": Sentence("Số này quá lớn; hãy kiểm tra lại.", "the number is too large; check it"),
            "offset": Sentence(
                "Thời điểm phải có múi giờ, ví dụ 2026-03-01T21:47:05+07:00.",
                "an instant has its offset, as in 2026-03-01T21:47:05+07:00",
            ),
            "empty": Sentence("Chưa nhập trường này; hãy điền.", "fill it in"),
        },
    ),
    "nul-character": ProblemWords(
        Sentence("Ký tự không hợp lệ", "NUL character"),
        {
            "body": Sentence(
                "Văn bản chứa ký tự NUL (U+0000) không hợp lệ; hãy xóa ký tự đó.",
                "the body holds the NUL character U+0000: remove it",
            ),
            "address": Sentence(
                "Địa chỉ chứa ký tự NUL không hợp lệ; hãy xóa ký tự đó.",
                "the address holds the NUL character: remove it",
            ),
        },
    ),
    "invalid-idempotency-key": ProblemWords(
        Sentence("Khóa chống gửi lặp không hợp lệ", "Invalid idempotency key"),
        {
            "": Sentence(
                "Khóa chống gửi lặp có tối đa {most} ký tự ASCII in được (chữ không dấu, số, dấu câu).",
                "at most {most} printable ASCII characters",
            ),
            "several": Sentence("Chỉ nêu một khóa chống gửi lặp.", "one key alone: the header stands there twice"),
        },
    ),
    "invalid-header": ProblemWords(
        Sentence("Trường đầu của yêu cầu không hợp lệ", "Invalid header"),
        {
            "twice": Sentence(
                "Trường {name} chỉ được gửi một lần; hãy bỏ bớt.", "send {name} once: which of them is meant is unclear"
            ),
            "port": Sentence(
                "Cổng trong trường Host không phải số từ 0 đến 65535; hãy sửa.",
                "the port in the header Host is no number from 0 to 65535: correct it",
            ),
            "no-host": Sentence(
                "Yêu cầu thiếu trường Host; hãy gửi kèm tên máy chủ.", "HTTP/1.1 needs the header Host: send it"
            ),
        },
    ),
    "invalid-if-match": ProblemWords(
        Sentence("Phiên bản nêu không hợp lệ", "Invalid If-Match"),
        {
            "": Sentence(
                'Hãy nêu phiên bản như ETag đã cho, ví dụ "3".', 'name versions as the ETag gave them, such as "3"'
            )
        },
    ),
    "invalid-cursor": ProblemWords(
        Sentence("Vị trí trang không dùng được", "Invalid cursor"),
        {
            "": Sentence(
                "Địa chỉ của trang danh sách không còn dùng được; hãy mở lại từ đầu danh sách.",
                "this listing did not give this cursor; begin with its first page",
            ),
            "feed": Sentence(
                "Vị trí này không phải của kho dữ liệu này, hoặc của câu hỏi khác; hãy giữ nguyên các tham số, hoặc "
                "đọc lại từ đầu với cursor để trống.",
                "this store did not give this cursor, or for another question: ask with the same parameters, or begin "
                "with an empty cursor",
            ),
            "webhook": Sentence(
                "Đây không phải cursor của followup hay của nguồn mà followup theo dõi; hãy dùng next của một trang "
                "/v1/events.",
                "this is no cursor of followup or of a source that it follows: use next of a page of /v1/events",
            ),
        },
    ),
    "unknown-command": ProblemWords(
        Sentence("Không có lệnh này", "Unknown command"),
        {"": Sentence("Không có lệnh mang tên này; hãy kiểm tra lại tên lệnh.", "no act has this name; check it")},
    ),
    "undecodable-message": ProblemWords(
        Sentence("Không đọc được thông điệp", "Undecodable message"),
        {
            "": Sentence(
                "Thuộc tính của thông điệp không đúng AMQP 0-9-1 hoặc không phải UTF-8; hãy kiểm tra thư viện gửi.",
                "its properties are not those of AMQP 0-9-1, or no UTF-8; check the library that sends",
            )
        },
    ),
    "message-id-missing": ProblemWords(
        Sentence("Thiếu mã thông điệp", "Message id missing"),
        {
            "": Sentence(
                "Mã thông điệp là khóa chống gửi lặp; mỗi lệnh phải có một mã.",
                "it is the idempotency key; give each command one",
            )
        },
    ),
    "invalid-message-id": ProblemWords(
        Sentence("Mã thông điệp không hợp lệ", "Invalid message id"),
        {"": Sentence("Mã thông điệp có tối đa {most} ký tự in được.", "at most {most} printable characters")},
    ),
    "stale-epoch": ProblemWords(
        Sentence("Kho dữ liệu đã sang kỷ nguyên mới", "Stale epoch"),
        {
            "": Sentence(
                "Kho dữ liệu đã sang kỷ nguyên mới; chỉ tiếp tục đọc nếu sự kiện cuối cùng bạn biết vẫn còn, nếu "
                "không hãy dừng lại và xem tài liệu hướng dẫn.",
                "the store has a new epoch: adopt it if the last event you know still stands, else stop and see "
                "the manual",
            )
        },
    ),
    "beyond-head": ProblemWords(
        Sentence("Vị trí vượt quá cuối nhật ký", "Beyond the head"),
        {
            "": Sentence(
                "Vị trí này vượt quá cuối nhật ký: đây không phải nhật ký bạn đã đọc trước đó; hãy kiểm tra lại nguồn.",
                "the position is beyond the head: this log is not the one that you read before",
            )
        },
    ),
    "history-changed": ProblemWords(
        Sentence("Nhật ký đã được khôi phục", "The log was restored"),
        {
            "": Sentence(
                "Sự kiện mà bạn đã đọc đến không còn trong nhật ký: kho dữ liệu đã được khôi phục. Hãy đối chiếu những "
                "gì đã xử lý theo mã sự kiện, rồi đọc tiếp từ cursor kèm theo; một số sự kiện sẽ đến lại.",
                "the event up to which you have read is gone: the store was restored. Compare what you did by the "
                "ids of its events, then go on from the cursor given here; some events come again",
            )
        },
    ),
    "feed-parameters": ProblemWords(
        Sentence("Các tham số không đi cùng nhau", "Parameters that exclude each other"),
        {
            "": Sentence(
                "after và epoch dùng để đọc toàn bộ nhật ký; khi đã có cursor, mine, type hoặc jurisdiction thì hãy bỏ "
                "hai tham số này.",
                "after and epoch read the whole log; with cursor, mine, type or jurisdiction leave them out",
            )
        },
    ),
    "unknown-event-type": ProblemWords(
        Sentence("Không có loại sự kiện này", "Unknown type of event"),
        {
            "": Sentence(
                "Không có loại sự kiện “{given}”; hãy chọn trong danh sách allowed.", "'{given}' is none of allowed"
            )
        },
    ),
    "webhooks-not-configured": ProblemWords(
        Sentence("Chưa bật webhook", "Webhooks are not configured"),
        {
            "": Sentence(
                "Hệ thống này chưa bật webhook; người vận hành đặt FOLLOWUP_WEBHOOK_KEY_FILE. Trong lúc chờ, hãy đọc "
                "/v1/events.",
                "this followup sends no webhooks: its operator names a key in FOLLOWUP_WEBHOOK_KEY_FILE. Until then "
                "read /v1/events",
            )
        },
    ),
    "webhook-key-replaced": ProblemWords(
        Sentence("Khóa niêm phong webhook đã thay", "The key of webhooks was replaced"),
        {
            "": Sentence(
                "Mã bí mật của đăng ký này không mở được vì tệp khóa đã thay; hãy tạo mã mới bằng POST …/secret, rồi "
                "POST …/resume.",
                "the secret of this subscription does not open, since the key file was replaced: have another one by "
                "POST …/secret, then POST …/resume",
            )
        },
    ),
    "person-may-not-subscribe": ProblemWords(
        Sentence("Chỉ hệ thống mới đăng ký webhook", "Webhooks are for systems"),
        {
            "": Sentence(
                "Webhook chạy tiếp khi người đã đăng xuất; hãy đăng ký bằng mã truy cập của một hệ thống.",
                "a webhook goes on after a person has signed out: subscribe with the token of a system",
            )
        },
    ),
    "sink-refused": ProblemWords(
        Sentence("Không gửi webhook tới địa chỉ này", "No webhook is sent to this address"),
        {
            "no-address": Sentence(
                "Đây không phải địa chỉ gửi được; hãy viết theo mẫu https://cong.tinh.gov.vn/webhook.",
                "this is no address to send to; write it as https://portal.example/webhook",
            ),
            "user": Sentence(
                "Địa chỉ không được chứa tên và mật khẩu; hãy đặt vào protocolsettings.headers.",
                "an address holds no user and password: put them into protocolsettings.headers",
            ),
            "not-https": Sentence(
                "Địa chỉ phải dùng https; chỉ những máy nêu trong FOLLOWUP_WEBHOOK_ALLOWED mới được dùng http.",
                "the address must begin with https; only what FOLLOWUP_WEBHOOK_ALLOWED names may use http",
            ),
            "not-public": Sentence(
                "Địa chỉ dẫn vào mạng nội bộ; người vận hành cho phép bằng FOLLOWUP_WEBHOOK_ALLOWED.",
                "the address leads into a private network: the operator allows it in FOLLOWUP_WEBHOOK_ALLOWED",
            ),
        },
    ),
    "cursor-ahead": ProblemWords(
        Sentence("Vị trí không còn, hoặc chưa đọc tới", "The place is gone, or not read yet"),
        {
            "": Sentence(
                "Ở vị trí này followup không có sự kiện đó: nguồn đã được khôi phục, hoặc followup chưa đọc tới; hãy "
                "thử lại sau giây lát, hoặc dùng cursor trước đó.",
                "followup does not have that event at this place: the source was restored, or is not read so far yet. "
                "Try again shortly, or use an earlier cursor",
            )
        },
    ),
    "too-many-filters": ProblemWords(
        Sentence("Quá nhiều bộ lọc", "Too many filters"),
        {
            "": Sentence(
                "Nhiều nhất {most} bộ lọc, lồng nhau {deep} tầng; hãy bớt đi.",
                "at most {most} filters, {deep} within one another: leave some out",
            )
        },
    ),
    "too-many-subscriptions": ProblemWords(
        Sentence("Quá nhiều đăng ký", "Too many subscriptions"),
        {
            "": Sentence(
                "Mỗi bên gọi có nhiều nhất {most} đăng ký; hãy xóa bớt.",
                "a caller has at most {most} subscriptions: delete one",
            )
        },
    ),
    "subscription-not-active": ProblemWords(
        Sentence("Đăng ký không hoạt động", "The subscription is not active"),
        {
            "": Sentence(
                "Chỉ tạm dừng được đăng ký đang hoạt động; đăng ký này đang là {now}.",
                "only an active subscription can be paused; this one is {now}",
            )
        },
    ),
    "subscription-unverified": ProblemWords(
        Sentence("Bên nhận chưa đồng ý", "The sink has not consented"),
        {
            "": Sentence(
                "Bên nhận chưa trả lời yêu cầu xác nhận (OPTIONS, WebHook-Allowed-Origin); hãy sửa bên nhận rồi gọi "
                "POST …/verification.",
                "the sink has not answered the handshake (OPTIONS, WebHook-Allowed-Origin): mend it, then call "
                "POST …/verification",
            )
        },
    ),
    "subscription-of-another": ProblemWords(
        Sentence("Đăng ký của bên khác", "A subscription of another caller"),
        {
            "": Sentence(
                "Chỉ {owner} mới sửa được đăng ký này; bạn có thể tạm dừng hoặc xóa.",
                "only {owner} may change this; you may pause or delete it",
            )
        },
    ),
    "subscription-changed": ProblemWords(
        Sentence("Đăng ký vừa được sửa", "The subscription was changed meanwhile"),
        {"": Sentence("Có bên khác vừa sửa đăng ký này; hãy đọc lại rồi thử lại.", "read it again, then try again")},
    ),
    "clock-not-movable": ProblemWords(
        Sentence("Không chỉnh được đồng hồ", "The clock is not movable"),
        {
            "": Sentence(
                "Kho dữ liệu này theo giờ thực; không chỉnh được đồng hồ.",
                "this store keeps real time: its clock is not moved",
            )
        },
    ),
    "clock-moves-forwards": ProblemWords(
        Sentence("Đồng hồ chỉ chỉnh tiến", "The clock moves forwards"),
        {"": Sentence("Đồng hồ chỉ chỉnh tiến; hãy chọn thời điểm muộn hơn hiện tại.", "{problem}")},
    ),
    "invalid-period": ProblemWords(
        Sentence("Kỳ báo cáo không hợp lệ", "Invalid period"),
        {
            "": Sentence(
                "Kỳ báo cáo “{text}” không hợp lệ: hãy viết tháng 2019-09, quý 2019-Q3 hoặc năm 2019.",
                "'{text}' is no period: write a month (2019-09), a quarter (2019-Q3) or a year (2019)",
            )
        },
    ),
    "period-not-begun": ProblemWords(
        Sentence("Kỳ chưa bắt đầu", "The period has not begun"),
        {
            "": Sentence(
                "Kỳ {period} chưa bắt đầu; hãy chọn kỳ hiện tại hoặc kỳ trước.",
                "{period} has not begun yet; name the present period or an earlier one",
            )
        },
    ),
    "nothing-to-urge": ProblemWords(
        Sentence("Không còn việc để đôn đốc", "Nothing to urge"),
        {
            "": Sentence(
                "Việc này không còn phải thực hiện; không có đơn vị nào để đôn đốc.",
                "the duty is owed no more: there is nobody to urge",
            )
        },
    ),
    "overloaded": ProblemWords(
        Sentence("Hệ thống đang bận", "Overloaded"),
        {
            "": Sentence(
                "Hệ thống đang bận; hãy gửi lại sau giây lát.",
                "too many commands are waiting: send it again with the same key",
            ),
            "connections": Sentence(
                "Đang có quá nhiều kết nối; hãy thử lại sau giây lát.",
                "too many connections are open: try again in a moment",
            ),
            "uploads": Sentence(
                "Bạn đang gửi quá nhiều tệp cùng lúc (tối đa {most}); hãy đợi các tệp kia gửi xong.",
                "you are sending {most} files already: wait until they are sent",
            ),
            "unnamed": Sentence(
                "Các tệp bạn đã gửi mà chưa văn bản nào nêu đã quá {most} MiB; hãy ghi nhận các văn bản đó trước.",
                "your files that no command has named hold more than {most} MiB: give those commands first",
            ),
        },
    ),
    "request-timeout": ProblemWords(
        Sentence("Yêu cầu gửi quá chậm", "Request timeout"),
        {
            "": Sentence(
                "Yêu cầu không được gửi trọn vẹn trong thời gian cho phép; hãy gửi lại.",
                "the request did not come whole in the time that it has: send it again",
            )
        },
    ),
    "head-too-large": ProblemWords(
        Sentence("Phần đầu yêu cầu quá lớn", "Request header fields too large"),
        {
            "": Sentence(
                "Địa chỉ và các trường đầu của yêu cầu vượt quá {most} KiB; hãy rút ngắn.",
                "address and headers are longer than {most} KiB: shorten them",
            )
        },
    ),
    "store-unavailable": ProblemWords(
        Sentence("Kho dữ liệu tạm thời không truy cập được", "The store is unavailable"),
        {
            "": Sentence(
                "Kho dữ liệu tạm thời không truy cập được; hãy gửi lại.",
                "the store cannot be reached: send it again with the same key",
            ),
            "not-confirmed": Sentence(
                "Kho dữ liệu chưa kịp xác nhận đã lưu an toàn; dữ liệu vẫn có thể được ghi nhận: hãy gửi lại với cùng "
                "khóa, việc gửi lại không ghi nhận hai lần.",
                "the store has not confirmed in time that it is kept safe, and it may still be recorded: send it again "
                "with the same key, it is recorded once",
            ),
            "reading": Sentence(
                "Kho dữ liệu tạm thời không truy cập được; hãy mở lại sau giây lát.",
                "the store cannot be reached now: ask again shortly",
            ),
        },
    ),
    "unavailable": ProblemWords(
        Sentence("Hệ thống tạm thời không phục vụ", "Unavailable"),
        {
            "": Sentence(
                "Hệ thống tạm thời không phục vụ được; hãy thử lại sau giây lát.",
                "the service is not available now: ask again shortly",
            )
        },
    ),
    "intake-away": ProblemWords(
        Sentence("Không kết nối được hệ thống tiếp nhận", "Intake is away"),
        {
            "": Sentence(
                "Không kết nối được hệ thống tiếp nhận; hãy gửi lại, việc gửi lại không ghi nhận hai lần.",
                "intake cannot be reached ({kind}): send it again, it is recorded once",
            ),
            "status": Sentence(
                "Hệ thống tiếp nhận trả lời lỗi {status}; hãy gửi lại, việc gửi lại không ghi nhận hai lần.",
                "intake answered {status}: send it again, it is recorded once",
            ),
            "slow": Sentence(
                "Hệ thống tiếp nhận chưa trả lời sau {seconds} giây; hãy đợi giây lát rồi gửi lại, việc gửi lại không "
                "ghi nhận hai lần.",
                "intake did not answer within {seconds} seconds: wait a moment and send it again, it is recorded once",
            ),
            "slow-to-open": Sentence(
                "Hệ thống tiếp nhận, nơi giữ nội dung, chưa trả lời sau {seconds} giây; hãy mở lại trang sau giây lát.",
                "intake, which keeps what was written, did not answer within {seconds} seconds: open the page again "
                "shortly",
            ),
            "not-opened": Sentence(
                "Hệ thống tiếp nhận, nơi giữ nội dung, hiện không kết nối được; hãy mở lại trang sau giây lát.",
                "intake, which keeps what was written, cannot be reached ({kind}): open the page again shortly",
            ),
            "no-posts": Sentence(
                "Hệ thống tiếp nhận chưa trả lời nên chưa biết vị trí công tác của bạn; hãy thử lại sau giây lát.",
                "intake does not answer, so your posts are not known: try again shortly",
            ),
            "unread-source": Sentence(
                "Nguồn {source} không được đọc ở đây; chưa ghi nhận gì, hãy báo người vận hành.",
                "{source} is not read here",
            ),
            "not-read-yet": Sentence(
                "Chưa đọc được dữ liệu của nguồn {source}; chưa ghi nhận gì, hãy gửi lại sau giây lát.",
                "{source} was not read yet: send it again shortly",
            ),
        },
    ),
    "invalid-file": ProblemWords(
        Sentence("Tệp không được nhận", "Invalid file"),
        {
            "empty": Sentence("Tệp rỗng; hãy chọn lại tệp.", "the file is empty: choose it again"),
            "infected": Sentence(
                "Trình quét vi-rút phát hiện mã độc trong tệp này; tệp không được nhận.",
                "the scanner found something malicious in the file: it is not taken",
            ),
        },
    ),
    "file-erased": ProblemWords(
        Sentence("Tệp đã bị xóa", "File erased"),
        {
            "": Sentence(
                "Tệp này đã bị xóa cùng với dữ liệu cá nhân của người kiến nghị.",
                "the file was erased together with the petitioner's personal data",
            )
        },
    ),
    "files-unavailable": ProblemWords(
        Sentence("Kho tệp chưa dùng được", "Files unavailable"),
        {
            "folder": Sentence(
                "Kho tệp không ghi được; chưa lưu gì, hãy báo người vận hành.",
                "the folder cannot be written, nothing was stored: tell the operator",
            ),
            "scanner": Sentence(
                "Trình quét vi-rút không trả lời; chưa lưu gì, hãy gửi lại sau giây lát.",
                "the scanner does not answer, nothing was stored: send it again shortly",
            ),
            "unreadable": Sentence(
                "Kho tệp không có tệp này hoặc tệp đã hỏng; hãy báo người vận hành khôi phục từ bản sao lưu.",
                "the folder lacks this file or it is damaged: tell the operator, who restores it from a backup",
            ),
        },
    ),
    "sealed-content-unreadable": ProblemWords(
        Sentence("Nội dung niêm phong không mở được", "Sealed content does not open"),
        {
            "": Sentence(
                "Nội dung niêm phong của hồ sơ này không mở được bằng khóa chính đang dùng; gửi lại cũng không được, "
                "hãy báo người vận hành (DoithoaiSealsUnopened).",
                "what is sealed of this case does not open under the master key in use: sending again does not help, "
                "tell the operator (DoithoaiSealsUnopened)",
            )
        },
    ),
    "internal-error": ProblemWords(
        Sentence("Lỗi ngoài dự kiến", "Internal error"),
        {
            "": Sentence(
                "Hệ thống gặp lỗi ngoài dự kiến; hãy báo người vận hành.", "an unforeseen error; the log names its kind"
            ),
            "kept": Sentence(
                "Hệ thống gặp lỗi ngoài dự kiến; lệnh đã được lưu lại, hãy báo người vận hành.",
                "an unforeseen error; the command is kept",
            ),
            "http": Sentence(
                "Hệ thống không phục vụ được yêu cầu này; hãy báo người vận hành.", "the request could not be served"
            ),
        },
    ),
    "not-ready": ProblemWords(
        Sentence("Chưa sẵn sàng", "Not ready"),
        {"": Sentence("Dịch vụ chưa sẵn sàng: {missing}.", "{missing}")},
    ),
    "no-progress": ProblemWords(
        Sentence("Có việc đứng yên", "Some work stands still"),
        {"": Sentence("Có việc đứng yên: {missing}.", "{missing}")},
    ),
}
#: What values of place-holders are called in Vietnamese.
DOOR_NAMES: Names = {
    "expected": {
        "integer": "số nguyên",
        "number": "số",
        "string": "chữ, trong dấu ngoặc kép",
        "boolean": "true hoặc false",
        "date": "ngày, theo mẫu YYYY-MM-DD",
        "datetime": "thời điểm, theo mẫu YYYY-MM-DDThh:mm:ss+07:00",
        "uuid": "mã UUID",
        "array": "danh sách [...]",
        "object": "đối tượng {...}",
    },
    "kind": {"uuid": "mã UUID", "date": "ngày (YYYY-MM-DD)", "int": "số nguyên", "float": "số", "str": "chữ"},
    "what": {
        "plan": "kế hoạch",
        "result": "kết quả đối thoại",
        "other": "nội dung khác",
        "act": "việc này",
        "case": "vụ việc",
        "deadline": "thời hạn",
        "jurisdiction": "địa bàn",
        "agency": "cơ quan",
        "subscription": "đăng ký",
        "event": "sự kiện",
    },
    "roles": {
        "system": "hệ thống kết nối",
        "office": "văn phòng",
        "agency": "cơ quan giải quyết",
        "chair": "người chủ trì",
        "auditor": "thanh tra, giám sát",
        "operations": "quản trị hệ thống",
        "admin": "quản trị người dùng",
        "none": "không có",
    },
}
