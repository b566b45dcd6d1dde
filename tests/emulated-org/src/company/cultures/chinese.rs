//! China.

use super::super::culture::Culture;

/// China.
pub static CHINESE: Culture = Culture {
    locale: "zh_CN",
    language: "zh_CN",
    time_zone: "Asia/Shanghai",
    country: "中国",
    women: &[
        "丽华|Lihua",
        "秀英|Xiuying",
        "静|Jing",
        "晓彤|Xiaotong",
        "欣怡|Xinyi",
    ],
    men: &[
        "伟|Wei",
        "建国|Jianguo",
        "志强|Zhiqiang",
        "浩然|Haoran",
        "子轩|Zixuan",
    ],
    families: &[
        "王|Wang",
        "李|Li",
        "欧阳|Ouyang",
        "陈|Chen",
        "诸葛|Zhuge",
        "赵|Zhao",
        "吕|Lyu",
        "司马|Sima",
    ],
    cities: &[
        ("上海市", "上海", "200###"),
        ("深圳市", "广东", "518###"),
        ("成都市", "四川", "610###"),
        ("杭州市", "浙江", "310###"),
        ("哈尔滨市", "黑龙江", "150###"),
    ],
    streets: &[
        "人民路^#号",
        "科技园南区^栋1##室",
        "中山大道2##号",
        "解放街^号院",
        "工业园区B^厂房",
    ],
    phone: "+86 21 #### ####",
    mobile: "+86 13# #### ####",
    companies: &[
        "龙泉|Longquan",
        "金桥|Jinqiao",
        "海燕|Haiyan",
        "东方红叶|Hongye",
        "云杉|Yunshan",
        "明珠|Mingzhu",
    ],
    trades: &["电子", "贸易", "物流", "机械", "食品", "软件", "新能源"],
    company_forms: &[
        "上海{name}{trade}有限公司",
        "{name}{trade}股份有限公司",
        "深圳市{name}{trade}有限公司",
        "{name}集团",
    ],
    titles: &["总经理", "采购经理", "财务总监", "技术主管", "厂长"],
    departments: &["采购部", "财务部", "销售部", "技术部"],
    goods: &["年度维护合同", "试点项目", "许可证续费", "备件"],
    subjects: &["回电讨论报价", "发送修改后的方案", "安排现场考察", "核对未付发票"],
    steps: &["等待审批", "合同审核", "寄送样品"],
    notes: &[
        "春节之后再联系。",
        "对价格敏感,需要折扣。",
        "已试用三十天,反馈很好👍。",
        "请使用简体中文发送邮件。",
    ],
};
