"""Why an act was refused, in Vietnamese, by the code that intake answers with; the English detail says more. Pure."""

_WORDS = {
    "not-allowed": "Bạn không có quyền thực hiện việc này ở đây.",
    "role-may-not": "Vai trò của bạn không được thực hiện việc này.",
    "jurisdiction-may-not": "Việc này thuộc địa bàn ngoài phạm vi của bạn.",
    "agency-may-not": "Cơ quan chỉ thực hiện việc được chuyển hoặc giao cho mình, với danh nghĩa của mình.",
    "invalid-value": "Giá trị không hợp lệ, để trống hoặc quá dài.",
    "invalid-body": "Có trường chưa nhập hoặc nhập sai kiểu.",
    "invalid-code": "Mã định danh điện tử không đúng.",
    "future-deed": "Ngày thực hiện không được sau ngày hôm nay.",
    "calendar-year-missing": "Năm này chưa có lịch làm việc được công bố.",
    "unknown-jurisdiction": "Địa bàn chưa được đăng ký.",
    "jurisdiction-closed-then": "Vào ngày đó địa bàn không tồn tại.",
    "unknown-agency": "Cơ quan chưa được đăng ký.",
    "agency-closed-then": "Vào ngày đó cơ quan không hoạt động.",
    "later-than-due": "Ngày chủ trì ấn định muộn hơn hạn theo quy định.",
    "case-ended": "Vụ việc đã kết thúc.",
    "answering-withdrawn-petition": "Kiến nghị đã được rút, không trả lời nữa.",
    "dated-before-receipt": "Ngày thực hiện trước ngày tiếp nhận kiến nghị.",
    "already-forwarded": "Đã chuyển cho cơ quan này chuẩn bị nội dung trả lời.",
    "never-forwarded": "Cơ quan này chưa được chuyển kiến nghị.",
    "already-assigned": "Đã có cơ quan chủ trì; hãy chuyển cơ quan giải quyết.",
    "never-assigned": "Kiến nghị chưa được phân công, hoặc không giao cho cơ quan này.",
    "already-complex": "Đã được xác định là vụ việc phức tạp.",
    "nothing-to-extend": "Chưa có thời hạn trả lời để gia hạn.",
    "extension-not-later": "Ngày dự kiến không muộn hơn hạn hiện tại.",
    "already-escalated": "Đã trình cấp trên.",
    "reply-number-used": "Số văn bản trả lời này đã được ghi nhận.",
    "unknown-reply": "Không có văn bản trả lời mang số này.",
    "closing-without-reply-or-ground": "Chỉ kết thúc khi đã trả lời, hoặc nêu rõ căn cứ.",
    "never-ended": "Chỉ mở lại vụ việc đã kết thúc.",
    "reopening-merged-petition": "Kiến nghị đã nhập tiếp tục trong kiến nghị kia.",
    "reopened-before-end": "Ngày mở lại trước ngày kết thúc.",
    "unknown-record": "Không có bản ghi này.",
    "already-annulled": "Bản ghi này đã được hủy.",
    "not-annullable": "Loại bản ghi này không hủy được.",
    "later-facts-rest-on-it": "Bản ghi sau dựa vào bản ghi này; hãy hủy bản ghi sau trước.",
    "nul-character": "Văn bản chứa ký tự không hợp lệ.",
    "idempotency-key-reused": "Biểu mẫu này đã được gửi với nội dung khác; hãy mở lại biểu mẫu.",
    "stale-version": "Vụ việc vừa thay đổi; hãy xem lại.",
    "contended": "Nhiều người đang sửa cùng lúc; hãy gửi lại.",
    "not-found": "Không tìm thấy.",
    "unauthenticated": "Chưa đăng nhập, hoặc mã truy cập không đúng.",
    "overloaded": "Hệ thống đang bận; hãy gửi lại sau giây lát.",
    "store-unavailable": "Kho dữ liệu tạm thời không truy cập được; hãy gửi lại.",
    "intake-away": "Không kết nối được hệ thống tiếp nhận; chưa ghi nhận gì, hãy gửi lại.",
}
_OTHERWISE = "Quy trình không cho phép việc này ở trạng thái hiện tại."


def refusal_words(code: str) -> str:
    """What a refusal means, for a person who does not read English."""
    return _WORDS.get(code, _OTHERWISE)
