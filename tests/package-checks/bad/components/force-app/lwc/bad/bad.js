import { LightningElement, api } from "lwc";

export default class Bad extends LightningElement {
    @api label = "";

    connectedCallback() {
        this.label = undeclared;
        document.querySelector("div").innerHTML = this.label;
        setInterval(() => eval(this.label), 1000);
    }
}
