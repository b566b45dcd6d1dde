import { LightningElement, api } from 'lwc';
import LOCALE from '@salesforce/i18n/locale';
import { fill } from 'c/page';
import none from '@salesforce/label/c.Sync_Chart_None';
import table from '@salesforce/label/c.Sync_Chart_Table';
import when from '@salesforce/label/c.Sync_Chart_When';
import value from '@salesforce/label/c.Sync_Chart_Value';
import highest from '@salesforce/label/c.Sync_Chart_Highest';
import summary from '@salesforce/label/c.Sync_Chart_Summary';

const WIDTH = 480;
const HEIGHT = 120;
/** Part of its place that a bar fills. */
const FILLED = 0.8;
/** Places at least: one bar alone is not a wall. */
const FEWEST = 12;
/** What is smaller is not told more exactly. */
const SMALLEST = 0.1;
/** A value that is not nothing can be seen. */
const LOWEST = 2;

/** Bars over time. Who does not see them reads the same numbers in a table. */
export default class SyncChart extends LightningElement {
    /** What is shown. */
    @api heading;
    /** The values, oldest first: [{ key, at, value }]. */
    @api points = [];

    label = { none, table, when, value };

    get isEmpty() {
        // Nothing but zeros is no picture.
        return !this.points?.some(({ value: number }) => number > 0);
    }

    get highest() {
        return Math.max(...this.points.map((point) => point.value));
    }

    get summary() {
        return fill(summary, this.heading, this.highestNumber);
    }

    // A bar that is there is not said to be nothing.
    get highestNumber() {
        return this.highest < SMALLEST
            ? `< ${SMALLEST.toLocaleString(LOCALE)}`
            : this.highest.toLocaleString(LOCALE, { maximumFractionDigits: 1 });
    }

    get highestText() {
        return fill(highest, this.highestNumber);
    }

    get first() {
        return this.points[0].at;
    }

    get last() {
        return this.points[this.points.length - 1].at;
    }

    get bars() {
        const place = WIDTH / Math.max(this.points.length, FEWEST);
        const scale = this.highest > 0 ? HEIGHT / this.highest : 0;
        return this.points.map((point, index) => {
            const height = point.value > 0 ? Math.max(point.value * scale, LOWEST) : 0;
            return {
                ...point,
                x: index * place + (place * (1 - FILLED)) / 2,
                y: HEIGHT - height,
                width: place * FILLED,
                height
            };
        });
    }
}
