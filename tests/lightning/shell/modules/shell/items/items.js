import { LightningElement, api } from 'lwc';
import components from 'shell:components';
import { ownTexts } from 'shell/language';

/** What a region of a record's page holds, one below the other. */
export default class Items extends LightningElement {
    text = ownTexts();

    /** The items. */
    @api items;
    /** The record that they show. */
    @api record;

    /** Lets the user edit the record's details. */
    @api
    edit() {
        for (const inner of this.template.querySelectorAll('shell-detail, shell-items')) {
            inner.edit();
        }
    }

    get drawn() {
        return this.items.map((item, index) => {
            const constructor = item.kind === 'component' ? components[item.component] : undefined;
            return {
                key: index,
                isHighlights: item.kind === 'highlights',
                isDetail: item.kind === 'detail',
                isTabset: item.kind === 'tabset',
                isVisualforce: item.kind === 'visualforcePage',
                page: item.visualforcePage ?? item.page,
                label: item.label,
                height: item.height,
                tabs: item.tabs?.map((tab, position) => ({ ...tab, key: position })),
                constructor: constructor,
                properties: constructor ? this.propertiesOf(constructor, item.properties ?? {}) : undefined
            };
        });
    }

    propertiesOf(constructor, given) {
        const properties = { ...given };
        if ('recordId' in constructor.prototype) {
            properties.recordId = this.record.id;
        }
        if ('objectApiName' in constructor.prototype) {
            properties.objectApiName = this.record.object;
        }
        return properties;
    }
}
