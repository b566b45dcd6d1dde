//! The tables, as both migrations make them. One schema serves both engines: a test selects every column on each.

diesel::table! {
    tenant (id) {
        id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    connection (id) {
        id -> BigInt,
        tenant_id -> BigInt,
        name -> Text,
        environment -> Text,
        login_url -> Text,
        consumer_key -> Text,
        username -> Text,
        sealed_private_key -> Binary,
        api_version -> Text,
        organization -> Nullable<Text>,
        instance_url -> Nullable<Text>,
        integration_user -> Nullable<Text>,
        daily_calls -> Nullable<BigInt>,
        daily_allowance -> Nullable<BigInt>,
        enabled -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    counter (connection_id) {
        connection_id -> BigInt,
        next -> BigInt,
    }
}

diesel::table! {
    client (connection_id, id) {
        connection_id -> BigInt,
        id -> Text,
        key_kind -> Text,
        key_data -> Binary,
        scopes -> Text,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    partner_user (connection_id, id) {
        connection_id -> BigInt,
        id -> Text,
        email -> Text,
        name -> Text,
        active -> Bool,
        salesforce_user -> Nullable<Text>,
    }
}

diesel::table! {
    mapping (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        partner_object -> Text,
        revision -> BigInt,
    }
}

diesel::table! {
    mapping_plan (connection_id, mapping_id, revision) {
        connection_id -> BigInt,
        mapping_id -> BigInt,
        revision -> BigInt,
        document -> Text,
        compiled -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    link (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        mapping_id -> BigInt,
        salesforce_id -> Nullable<Text>,
        record_id -> Nullable<BigInt>,
        status -> Text,
        status_data -> Nullable<Text>,
        modstamp -> BigInt,
        observed -> BigInt,
        revision -> BigInt,
        plan_revision -> BigInt,
        agreed -> Text,
        status_since -> BigInt,
        outgoing -> Nullable<Text>,
    }
}

diesel::table! {
    record (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        object -> Text,
        link_id -> Nullable<BigInt>,
        salesforce_id -> Nullable<Text>,
        owner -> Text,
        fields -> Text,
        presence -> Text,
        position -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        times -> Nullable<Text>,
        record_key -> Nullable<Text>,
        successor -> Nullable<Text>,
    }
}

diesel::table! {
    identity (connection_id, mapping_id, kind, value) {
        connection_id -> BigInt,
        mapping_id -> BigInt,
        kind -> Text,
        value -> Text,
        link_id -> BigInt,
    }
}

diesel::table! {
    outbox (connection_id, link_id) {
        connection_id -> BigInt,
        link_id -> BigInt,
        mapping_id -> BigInt,
        lane -> BigInt,
        ready_at -> BigInt,
        worker -> Nullable<Text>,
        fence -> BigInt,
        attempts -> BigInt,
        abandoned -> BigInt,
    }
}

diesel::table! {
    field_history (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        link_id -> BigInt,
        field -> BigInt,
        at -> BigInt,
        salesforce_before -> Nullable<Text>,
        salesforce_after -> Nullable<Text>,
        partner_before -> Nullable<Text>,
        partner_after -> Nullable<Text>,
        cause -> Text,
        plan_revision -> BigInt,
        source -> Text,
        lost_side -> Nullable<Text>,
        lost_value -> Nullable<Text>,
        saved_by -> Nullable<Text>,
    }
}

diesel::table! {
    salesforce_user (connection_id, id) {
        connection_id -> BigInt,
        id -> Text,
        name -> Nullable<Text>,
        read_at -> BigInt,
    }
}

diesel::table! {
    embed_code (code) {
        code -> Text,
        connection_id -> BigInt,
        opens -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    embed_template (connection_id, name, site) {
        connection_id -> BigInt,
        name -> Text,
        site -> Text,
        html -> Text,
        updated_at -> BigInt,
    }
}

diesel::table! {
    inbox (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        object -> Text,
        salesforce_id -> Text,
        kind -> Text,
        modstamp -> BigInt,
        observed -> BigInt,
        fields -> Text,
        source -> Text,
        received_at -> BigInt,
        changed -> Nullable<Text>,
        merged -> Nullable<Text>,
    }
}

diesel::table! {
    head (connection_id, object, salesforce_id) {
        connection_id -> BigInt,
        object -> Text,
        salesforce_id -> Text,
        lane -> BigInt,
        ready_at -> BigInt,
        worker -> Nullable<Text>,
        fence -> BigInt,
        attempts -> BigInt,
        abandoned -> BigInt,
    }
}

diesel::table! {
    idempotency (client, route, request_key) {
        client -> Text,
        route -> Text,
        request_key -> Text,
        body_hash -> Binary,
        status -> BigInt,
        body -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    lease (connection_id, name) {
        connection_id -> BigInt,
        name -> Text,
        owner -> Nullable<Text>,
        held_until -> BigInt,
        fence -> BigInt,
    }
}

diesel::table! {
    sync_run (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        kind -> Text,
        state -> Text,
        error -> Nullable<Text>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        pace -> Nullable<Text>,
    }
}

diesel::table! {
    sync_part (connection_id, run_id, mapping_id) {
        connection_id -> BigInt,
        run_id -> BigInt,
        mapping_id -> BigInt,
        ordinal -> BigInt,
        progress -> Text,
        row_count -> BigInt,
        expected -> Nullable<BigInt>,
        outcomes -> Text,
        dropped -> BigInt,
    }
}

diesel::table! {
    watermark (connection_id, mapping_id, kind) {
        connection_id -> BigInt,
        mapping_id -> BigInt,
        kind -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    marking (connection_id, mapping_id, field) {
        connection_id -> BigInt,
        mapping_id -> BigInt,
        field -> Text,
        up_to -> BigInt,
        refused -> Nullable<Text>,
    }
}

diesel::table! {
    seen (connection_id, run_id, mapping_id, salesforce_id) {
        connection_id -> BigInt,
        run_id -> BigInt,
        mapping_id -> BigInt,
        salesforce_id -> Text,
    }
}

diesel::table! {
    call_hour (connection_id, hour) {
        connection_id -> BigInt,
        hour -> BigInt,
        calls -> BigInt,
    }
}

diesel::table! {
    activity_hour (connection_id, hour) {
        connection_id -> BigInt,
        hour -> BigInt,
        noted -> Text,
    }
}

diesel::table! {
    admin_settings (connection_id) {
        connection_id -> BigInt,
        revision -> BigInt,
        settings -> Text,
    }
}

diesel::table! {
    pairing (code) {
        code -> Text,
        connection_id -> BigInt,
        client -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    package_report (connection_id) {
        connection_id -> BigInt,
        report -> Text,
    }
}

diesel::table! {
    log_entry (connection_id, id) {
        connection_id -> BigInt,
        id -> BigInt,
        at -> BigInt,
        direction -> Text,
        method -> Text,
        status -> BigInt,
        object -> Text,
        salesforce_id -> Nullable<Text>,
        record_id -> Nullable<BigInt>,
        run_id -> Nullable<BigInt>,
        data -> Text,
        cause -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(link, mapping, record, seen);
