// Names of Salesforce's own that the package uses and that no list of objects holds. A name is added when it is used.

/** Tabs that stand for no object. */
export const STANDARD_TABS = new Set(["standard-home"]);

/** Related lists of page layouts. */
export const RELATED_LISTS = new Set([
    "RelatedActivityList",
    "RelatedContactList",
    "RelatedFileList",
    "RelatedHistoryList",
    "RelatedNoteList",
    "RelatedOpportunityList",
]);

/** Components of Lightning record pages. */
export const STANDARD_COMPONENTS = new Map([
    ["flexipage:tab", "one tab"],
    ["flexipage:tabset", "tabs"],
    ["flexipage:visualforcePage", "a Visualforce page"],
    ["force:detailPanel", "the assigned page layout"],
    ["force:highlightsPanel", "the record's name and compact layout"],
    ["force:relatedListContainer", "the layout's related lists"],
    ["runtime_sales_activities:activityPanel", "activities"],
]);

/** Columns of list views, which have names of their own where the field is a standard one. */
export const LIST_COLUMNS = {
    custom: new Set(["NAME", "CREATED_DATE"]),
    Account: new Set(["ACCOUNT.NAME", "ACCOUNT.PHONE1", "CORE.USERS.ALIAS"]),
    Contact: new Set(["FULL_NAME", "ACCOUNT.NAME", "CONTACT.EMAIL", "CORE.USERS.ALIAS"]),
    Lead: new Set(["FULL_NAME", "LEAD.COMPANY", "LEAD.EMAIL", "LEAD.STATUS"]),
    Opportunity: new Set(["OPPORTUNITY.NAME", "ACCOUNT.NAME", "OPPORTUNITY.STAGE_NAME", "OPPORTUNITY.CLOSE_DATE"]),
};
