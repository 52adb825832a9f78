// A network that leads nowhere, for functions that run others' code: no way to the internet, to other networks, between
// the functions themselves, or out through the names that they look up.

import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { IpAddresses, type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
export const INTERFACE_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

export class IsolatedNetwork extends Construct {
  readonly vpc: IVpc;
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.vpc = new Vpc(this, 'Vpc', {
      // Nothing is ever routed here, so it may overlap with any other network.
      ipAddresses: IpAddresses.cidr('10.0.0.0/22'),
      maxAzs: 2,
      natGateways: 0,
      // No rule of a security group or network ACL filters what Amazon's resolver is asked, and it would carry data out to
      // whoever owns a domain: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
      enableDnsSupport: false,
      enableDnsHostnames: false,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED }],
      // What has no network interface in it needs no rules: the default group keeps those that AWS gives it.
      restrictDefaultSecurityGroup: false,
      // The library's own types differ in what may be undefined.
    }) as IVpc;
    Validations.of(this.vpc).acknowledge({
      id: 'AwsSolutions-VPC7',
      reason: 'Nothing flows here: there is no route, no rule that lets anything out, and no resolver.',
    });
    this.securityGroup = new SecurityGroup(this, 'Closed', {
      vpc: this.vpc,
      description: 'Functions that run the code of flows: nothing in, nothing out',
      allowAllOutbound: false,
    });
  }

  /** Lets Lambda attach the functions of the role, and not the code that runs in them. */
  grantAttach(role: Role): void {
    const all = { actions: INTERFACE_ACTIONS, resources: ['*'] };
    acknowledgeWildcards(
      role,
      all.resources,
      'EC2 knows no narrower resource for these, and the functions themselves are denied them.',
    );
    const functions = Stack.of(this).formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    role.addToPolicy(new PolicyStatement(all));
    role.addToPolicy(
      new PolicyStatement({
        ...all,
        effect: Effect.DENY,
        conditions: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
      }),
    );
  }
}
